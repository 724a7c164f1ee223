//! Bundles and requests from few values, so that they meet often.

use rand::Rng;
use rand::seq::IndexedRandom;
use ron_policy::{RequestDocument, SCHEMA_2};
use serde_json::{Map, Value, json};

const NAMES: [&str; 6] = ["a", "b", "c", "aa", "ab", "é"];
const RESOURCES: [&str; 7] = ["", "a", "a/b", "a/b/c", "ab/c", "b/a", "c/é"];
const PATTERNS: [&str; 12] = ["a", "a/b", "a/*", "a/**", "**", "*", "*/b", "**c", "a*/*", "b/**a", "c/é", "ab**"];
const METHODS: [&str; 6] = ["GET", "get", "PUT", "Post", "DELETE", "*"];
const TAGS: [&str; 5] = ["t1", "T1", "t2", "t3", "T4"];
const NETS: [&str; 8] = [
    "10.0.0.0/8",
    "10.1.0.0/16",
    "10.1.2.0/23",
    "10.1.2.3/32",
    "0.0.0.0/0",
    "::/0",
    "2001:db8::/32",
    "2001:db8:8000::/33",
];
const PEERS: [&str; 7] =
    ["10.0.0.1", "10.1.2.3", "10.1.3.9", "192.0.2.1", "::ffff:10.1.2.3", "2001:db8::1", "2001:db8:8000::1"];
const TIMES: [u64; 6] = [0, 86_399, 86_400, 100_000, 129_600, 200_000];

pub(crate) fn deployed(rng: &mut impl Rng, rules: usize) -> Value {
    let rules: Vec<Value> = (0..rules)
        .map(|number| {
            let mut when = Map::new();
            let mut add = |rng: &mut _, share, key: &str, value: Value| {
                if Rng::random_bool(rng, share) {
                    when.insert(key.to_owned(), value);
                }
            };
            let (tenant, region) = (one_or_star(rng), one_or_star(rng));
            let method = json!(pick(rng, &METHODS));
            let (most, tags) = (json!(rng.random_range(0..4)), json!(some(rng, &TAGS, 0)));
            add(rng, 0.3, "tenant", tenant);
            add(rng, 0.3, "region", region);
            add(rng, 0.5, "method", method);
            add(rng, 0.3, "max_body_bytes", most);
            add(rng, 0.4, "require_tags_all", tags);
            let mut rule = json!({ "id": format!("r{number}"), "when": when, "action": pick(rng, &["allow", "deny"]) });
            if rng.random_bool(0.5) {
                rule["reason"] = json!(pick(rng, &NAMES));
            }
            rule
        })
        .collect();
    let mut bundle = json!({ "version": 1, "rules": rules });
    if rng.random_bool(0.5) {
        bundle["defaults"] = json!({ "default_action": pick(rng, &["allow", "deny"]), "max_body_bytes": 3 });
    }
    bundle
}

pub(crate) fn schema_2(rng: &mut impl Rng, rules: usize) -> Value {
    // Some bundles bind few fields in most rules and some many in few, so that trees of many shapes are made.
    let (fields, share) =
        *[(1, 0.9), (2, 0.8), (3, 0.6), (CONDITIONS.len(), 0.08), (CONDITIONS.len(), 0.2)].choose(rng).unwrap();
    let conditions: Vec<_> = CONDITIONS.choose_multiple(rng, fields).copied().collect();
    let rules: Vec<Value> = (0..rules)
        .map(|number| {
            let mut rule = json!({ "id": format!("r{number}"), "when": when(rng, &conditions, share), "effect": pick(rng, &["permit", "permit", "deny"]) });
            if rng.random_bool(0.5) {
                rule["reason"] = json!(pick(rng, &NAMES));
            }
            rule
        })
        .collect();
    let mut bundle = json!({ "schema": SCHEMA_2, "version": 1, "rules": rules });
    if rng.random_bool(0.2) {
        bundle["defaults"] = json!({ "max_body_bytes": 3 });
    }
    bundle
}

/// Conditions that are lists, and what is in them.
const CONDITIONS: [(&str, &[&str]); 15] = [
    ("tenants", &NAMES),
    ("subjects", &PATTERNS),
    ("actions", &PATTERNS),
    ("resources", &PATTERNS),
    ("methods", &["GET", "get", "PUT", "Post", "DELETE"]),
    ("regions", &NAMES),
    ("scopes_all", &NAMES),
    ("scopes_any", &NAMES),
    ("roles_all", &NAMES),
    ("roles_any", &NAMES),
    ("tags_all", &TAGS),
    ("tags_any", &TAGS),
    ("peers", &NETS),
    ("body_bytes", &[]),
    ("time", &[]),
];

fn when(rng: &mut impl Rng, conditions: &[(&str, &[&str])], share: f64) -> Value {
    let mut when = Map::new();
    for (key, values) in conditions {
        if rng.random_bool(share) {
            let wanted = match *key {
                "body_bytes" => {
                    let least = rng.random_range(0..3);
                    json!({ "at_least": least, "at_most": least + rng.random_range(0..3) })
                }
                "time" => time(rng),
                _ => json!(some(rng, values, 1)),
            };
            when.insert((*key).to_owned(), wanted);
        }
    }
    Value::Object(when)
}

fn time(rng: &mut impl Rng) -> Value {
    let hour = |rng: &mut _| format!("{:02}:{}0", Rng::random_range(rng, 0..24), Rng::random_range(rng, 0..6));
    let mut windows = Vec::new();
    while windows.len() < 2 {
        let (from, to) = (hour(rng), hour(rng));
        if from != to {
            windows.push(json!({ "from": from, "to": to }));
        }
    }
    match rng.random_range(0..3) {
        0 => json!({ "daily": windows }),
        1 => json!({ "not_before": "1970-01-02T00:00:00Z", "not_after": "1970-01-02T12:00:00Z" }),
        _ => json!({ "not_after": "1970-01-02T03:46:40Z", "daily": windows }),
    }
}

pub(crate) fn request(rng: &mut impl Rng) -> RequestDocument {
    let maybe = |rng: &mut _, values: &[&str]| Rng::random_bool(rng, 0.85).then(|| pick(rng, values).to_owned());
    let list = |rng: &mut _, values| some(rng, values, 0).into_iter().map(str::to_owned).collect::<Vec<_>>();
    RequestDocument {
        subject: maybe(rng, &RESOURCES),
        action: maybe(rng, &RESOURCES),
        resource: maybe(rng, &RESOURCES),
        tenant: maybe(rng, &NAMES),
        method: maybe(rng, &METHODS),
        region: maybe(rng, &NAMES),
        scopes: list(rng, &NAMES),
        roles: list(rng, &NAMES),
        tags: list(rng, &TAGS),
        body_bytes: rng.random_bool(0.85).then(|| rng.random_range(0..6)),
        peer: rng.random_bool(0.85).then(|| pick(rng, &PEERS).parse().unwrap()),
        now_unix_s: rng.random_bool(0.85).then(|| *TIMES.choose(rng).unwrap()),
    }
}

fn pick<'v>(rng: &mut impl Rng, values: &[&'v str]) -> &'v str {
    values.choose(rng).unwrap()
}

fn one_or_star(rng: &mut impl Rng) -> Value {
    if rng.random_bool(0.2) { json!("*") } else { json!(pick(rng, &NAMES)) }
}

fn some<'v>(rng: &mut impl Rng, values: &[&'v str], least: usize) -> Vec<&'v str> {
    let count = rng.random_range(least..=3);
    (0..count).map(|_| pick(rng, values)).collect()
}
