//! Time of a decision against the number of rules.
//!
//! | benchmark | what is asked |
//! |---|---|
//! | `cannot_match/RULES` | each rule is for somebody of its own, in eight shapes; 256 requests in turn, each of which one rule matches |
//! | `no_rule/RULES` | the same rules, and requests that none matches |
//! | `deployed/RULES` | a deployed bundle with a rule for each tenant |
//! | `all_can/RULES` | rules that no field tells apart; the last one matches. The worst case: judged one by one |
//!
//! One iteration is one decision. Times are the thread's own CPU time, so that what else runs on the machine counts for
//! less. `cargo bench -p ron-policy --bench evaluate`.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Duration;

use cpu_time::ThreadTime;
use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{BenchmarkId, Criterion};
use ron_policy::{Bundle, BundleError, EvalError, Format, Policy, Request};

const SIZES: [usize; 3] = [100, 1_000, 100_000];
const REQUESTS: usize = 256;

fn main() -> ExitCode {
    let defaults = Criterion::default().warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    let mut criterion = defaults.with_measurement(ThreadCpu).configure_from_args();
    match run(&mut criterion) {
        Ok(()) => {
            criterion.final_summary();
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(criterion: &mut Criterion<ThreadCpu>) -> Result<(), Box<dyn std::error::Error>> {
    for rules in SIZES {
        let mixed = schema_2((0..rules).map(mixed_rule))?;
        bench(criterion, "cannot_match", rules, &mixed, Asked::One)?;
        bench(criterion, "no_rule", rules, &mixed, Asked::Nobody)?;
        bench(criterion, "deployed", rules, &deployed(rules)?, Asked::One)?;
        let alike =
            |number| format!(r#""effect":"permit","when":{{"body_bytes":{{"at_least":{}}}}}"#, rules - 1 - number);
        bench(criterion, "all_can", rules, &schema_2((0..rules).map(alike))?, Asked::Nobody)?;
    }
    Ok(())
}

/// CPU time of the thread.
struct ThreadCpu;

impl Measurement for ThreadCpu {
    type Intermediate = ThreadTime;
    type Value = Duration;

    fn start(&self) -> ThreadTime {
        ThreadTime::now()
    }
    fn end(&self, start: ThreadTime) -> Duration {
        start.elapsed()
    }
    fn add(&self, a: &Duration, b: &Duration) -> Duration {
        *a + *b
    }
    fn zero(&self) -> Duration {
        Duration::ZERO
    }
    fn to_f64(&self, time: &Duration) -> f64 {
        WallTime.to_f64(time)
    }
    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    One,
    Nobody,
}

fn bench(
    criterion: &mut Criterion<ThreadCpu>,
    name: &str,
    rules: usize,
    policy: &Policy,
    asked: Asked,
) -> Result<(), EvalError> {
    let texts: Vec<[String; 5]> = (0..REQUESTS)
        .map(|index| {
            let number = match asked {
                Asked::One => index * (rules.max(REQUESTS) / REQUESTS) % rules,
                Asked::Nobody => usize::MAX,
            };
            ["user-", "docs/", "t", "role-", "scope-"].map(|kind| match kind {
                "docs/" => format!("docs/{number}/plan"),
                kind => format!("{kind}{number}"),
            })
        })
        .collect();
    let lists: Vec<([&str; 3], [&str; 3])> = texts
        .iter()
        .map(|[_, _, _, role, scope]| ([role.as_str(), "reader", "staff"], [scope.as_str(), "common", "mail"]))
        .collect();
    let requests: Vec<Request<'_>> = texts
        .iter()
        .zip(&lists)
        .map(|([subject, resource, tenant, _, _], (roles, scopes))| Request {
            subject: Some(subject),
            action: Some("read"),
            resource: Some(resource),
            tenant: Some(tenant),
            method: Some("GET"),
            region: Some("EU"),
            scopes,
            roles,
            tags: &["paid"],
            body_bytes: Some(0),
            peer: Some([192, 0, 2, 1].into()),
            now_unix_s: Some(1_767_254_400),
        })
        .collect();
    for request in &requests {
        let decision = policy.decide(request)?;
        // A time is worth nothing if the answer is wrong.
        assert_eq!(decision.rule.is_some(), asked == Asked::One || name == "all_can", "{name} {rules} {request:?}");
    }
    let mut group = criterion.benchmark_group(name);
    group.bench_function(BenchmarkId::from_parameter(rules), |bencher| {
        let mut next = 0;
        bencher.iter(|| {
            next = (next + 1) % REQUESTS;
            requests
                .get(next)
                .map(|request| policy.decide(black_box(request)).is_ok_and(|decision| decision.is_permit()))
        });
    });
    group.finish();
    Ok(())
}

fn schema_2(rules: impl Iterator<Item = String>) -> Result<Policy, BundleError> {
    let rules: Vec<String> =
        rules.enumerate().map(|(number, rule)| format!(r#"{{"id":"r{number}",{rule}}}"#)).collect();
    parse(&format!(r#"{{"schema":"ron-policy/2","version":1,"rules":[{}]}}"#, rules.join(",")))
}

fn mixed_rule(number: usize) -> String {
    let effect = if number % 3 == 2 { "deny" } else { "permit" };
    let when = match number % 8 {
        0 => format!(r#""subjects":["user-{number}"],"resources":["docs/{number}/**"]"#),
        1 => format!(r#""tenants":["t{number}"],"actions":["read","list"]"#),
        2 => format!(r#""roles_any":["role-{number}","chief-{number}"]"#),
        3 => format!(r#""scopes_all":["common","scope-{number}"]"#),
        4 => format!(r#""actions":["read"],"resources":["docs/{number}/*"]"#),
        5 => format!(r#""tenants":["t{number}"],"regions":["EU"],"body_bytes":{{"at_most":4096}}"#),
        6 => format!(r#""subjects":["user-{number}"],"peers":["192.0.2.0/24"],"methods":["GET"]"#),
        _ => format!(r#""subjects":["user-{number}*"],"time":{{"daily":[{{"from":"08:00","to":"18:00"}}]}}"#),
    };
    format!(r#""effect":"{effect}","when":{{{when}}}"#)
}

fn deployed(rules: usize) -> Result<Policy, BundleError> {
    let rule =
        |number| format!(r#"{{"id":"r{number}","action":"allow","when":{{"tenant":"t{number}","method":"GET"}}}}"#);
    let rules: Vec<String> = (0..rules).map(rule).collect();
    parse(&format!(r#"{{"version":1,"rules":[{}]}}"#, rules.join(",")))
}

fn parse(bundle: &str) -> Result<Policy, BundleError> {
    Bundle::parse(bundle.as_bytes(), Format::Json).map(Bundle::compile)
}
