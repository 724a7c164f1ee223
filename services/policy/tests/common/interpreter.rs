//! What a bundle means, read from BUNDLE.md and nothing else: from the document itself, rule by rule, without an index,
//! and none of the library's code. Slow and plain on purpose.

use std::net::IpAddr;

use ron_policy::{RequestDocument, SCHEMA_2};
use serde_json::Value;

/// Effect, rule, and reason.
pub(crate) type Answer = (&'static str, Option<String>, Option<String>);

/// `None`: the request does not say.
type Truth = Option<bool>;

pub(crate) fn decide(bundle: &Value, request: &RequestDocument) -> Answer {
    if bundle.get("schema").is_some_and(|schema| schema == SCHEMA_2) {
        schema_2(bundle, request)
    } else {
        deployed(bundle, request)
    }
}

fn rules(bundle: &Value) -> &[Value] {
    bundle.get("rules").map_or(&[], |rules| rules.as_array().unwrap())
}

fn by(effect: &'static str, rule: &Value) -> Answer {
    let text = |key: &str| rule.get(key).and_then(Value::as_str).map(str::to_owned);
    (effect, text("id"), text("reason"))
}

fn by_default(effect: &'static str, reason: &str) -> Answer {
    (effect, None, Some(reason.to_owned()))
}

fn deployed(bundle: &Value, request: &RequestDocument) -> Answer {
    let defaults = &bundle["defaults"];
    let body = request.body_bytes.unwrap_or(0);
    if defaults["max_body_bytes"].as_u64().is_some_and(|most| body > most) {
        return by_default("Deny", "body too large (defaults)");
    }
    let method = request.method.as_deref().unwrap_or("*").to_uppercase();
    let named = |rule: &&Value| rule["when"]["method"].as_str().is_some_and(|named| named != "*");
    let of_method = |rule: &&Value| rule["when"]["method"].as_str().unwrap().to_uppercase() == method;
    let first = rules(bundle).iter().filter(named).filter(of_method);
    let second = rules(bundle).iter().filter(|rule| !named(rule));
    let tags: Vec<String> = request.tags.iter().map(|tag| tag.to_lowercase()).collect();
    for rule in first.chain(second) {
        let when = &rule["when"];
        let is = |key: &str, value: &Option<String>| {
            when[key].as_str().is_none_or(|wanted| wanted == "*" || wanted == value.as_deref().unwrap_or("*"))
        };
        let wanted = when["require_tags_all"].as_array().map_or(&[][..], |tags| tags);
        if is("tenant", &request.tenant)
            && is("region", &request.region)
            && when["max_body_bytes"].as_u64().is_none_or(|most| body <= most)
            && wanted.iter().all(|tag| tags.contains(&tag.as_str().unwrap().to_lowercase()))
        {
            return by(if rule["action"] == "allow" { "Permit" } else { "Deny" }, rule);
        }
    }
    by_default(if defaults["default_action"] == "allow" { "Permit" } else { "Deny" }, "default")
}

fn schema_2(bundle: &Value, request: &RequestDocument) -> Answer {
    if let Some(most) = bundle["defaults"]["max_body_bytes"].as_u64() {
        match request.body_bytes {
            None => return by_default("Deny", "body length unknown (defaults)"),
            Some(body) if body > most => return by_default("Deny", "body too large (defaults)"),
            Some(_) => {}
        }
    }
    for (effect, written, of_unknown) in [("Deny", "deny", true), ("Permit", "permit", false)] {
        for rule in rules(bundle).iter().filter(|rule| rule["effect"] == written) {
            let when = rule["when"].as_object().unwrap();
            if when.iter().all(|(key, wanted)| holds(key, wanted, request).unwrap_or(of_unknown)) {
                return by(effect, rule);
            }
        }
    }
    by_default("Deny", "default")
}

fn holds(key: &str, wanted: &Value, request: &RequestDocument) -> Truth {
    let values = || wanted.as_array().unwrap().iter().map(|value| value.as_str().unwrap());
    let equal =
        |text: &Option<String>| Some(values().any(|value| text.as_deref() == Some(value))).filter(|_| text.is_some());
    let like = |text: &Option<String>| {
        let text = text.as_deref()?;
        Some(values().any(|pattern| is_like(pattern.as_bytes(), text.as_bytes())))
    };
    let lower = |list: &[String]| list.iter().map(|tag| tag.to_lowercase()).collect::<Vec<_>>();
    let all = |list: &[String]| Some(values().all(|value| list.iter().any(|name| name == value)));
    let any = |list: &[String]| Some(values().any(|value| list.iter().any(|name| name == value)));
    match key {
        "tenants" => equal(&request.tenant),
        "regions" => equal(&request.region),
        "methods" => request.method.as_ref().map(|method| values().any(|value| value.eq_ignore_ascii_case(method))),
        "subjects" => like(&request.subject),
        "actions" => like(&request.action),
        "resources" => like(&request.resource),
        "scopes_all" => all(&request.scopes),
        "scopes_any" => any(&request.scopes),
        "roles_all" => all(&request.roles),
        "roles_any" => any(&request.roles),
        "tags_all" => Some(values().all(|value| lower(&request.tags).contains(&value.to_lowercase()))),
        "tags_any" => Some(values().any(|value| lower(&request.tags).contains(&value.to_lowercase()))),
        "body_bytes" => request.body_bytes.map(|body| {
            wanted["at_least"].as_u64().is_none_or(|least| body >= least)
                && wanted["at_most"].as_u64().is_none_or(|most| body <= most)
        }),
        "time" => request.now_unix_s.map(|now| is_time(wanted, now)),
        "peers" => request.peer.map(|peer| values().any(|net| is_in(net, peer))),
        other => panic!("{other}"),
    }
}

fn is_like(pattern: &[u8], text: &[u8]) -> bool {
    match pattern {
        [] => text.is_empty(),
        [b'*', b'*', rest @ ..] => (0..=text.len()).any(|taken| is_like(rest, &text[taken..])),
        [b'*', rest @ ..] => {
            let segment = text.iter().position(|&byte| byte == b'/').unwrap_or(text.len());
            (0..=segment).any(|taken| is_like(rest, &text[taken..]))
        }
        [first, rest @ ..] => text.split_first().is_some_and(|(byte, text)| byte == first && is_like(rest, text)),
    }
}

fn is_time(wanted: &Value, now: u64) -> bool {
    // Drawn bundles name days of January 1970 only.
    let instant = |key: &str| {
        wanted[key].as_str().map(|text| {
            let number = |range: std::ops::Range<usize>| text[range].parse::<u64>().unwrap();
            assert!(text.starts_with("1970-01-"), "{text}");
            (number(8..10) - 1) * 86_400 + number(11..13) * 3600 + number(14..16) * 60 + number(17..19)
        })
    };
    let of_day = |text: &Value| {
        let (hours, minutes) = text.as_str().unwrap().split_once(':').unwrap();
        hours.parse::<u64>().unwrap() * 3600 + minutes.parse::<u64>().unwrap() * 60
    };
    let second = now % 86_400;
    let is_open = |window: &Value| {
        let (from, to) = (of_day(&window["from"]), of_day(&window["to"]));
        if from < to { from <= second && second < to } else { second >= from || second < to }
    };
    instant("not_before").is_none_or(|first| now >= first)
        && instant("not_after").is_none_or(|last| now <= last)
        && wanted["daily"].as_array().is_none_or(|windows| windows.iter().any(is_open))
}

fn is_in(net: &str, peer: IpAddr) -> bool {
    let (address, bits) = net.split_once('/').unwrap();
    let bits: u32 = bits.parse().unwrap();
    match (address.parse().unwrap(), peer.to_canonical()) {
        (IpAddr::V4(net), IpAddr::V4(peer)) => (net.to_bits() ^ peer.to_bits()).leading_zeros() >= bits,
        (IpAddr::V6(net), IpAddr::V6(peer)) => (net.to_bits() ^ peer.to_bits()).leading_zeros() >= bits,
        _ => false,
    }
}
