//! Classes 41 and 42: `Exp` and `Nbf`.

use ron_auth_core::{AuthError, Caveat, RequestCtx, Semantics};

use super::token::{minted, wide};
use super::{NOW_UNIX_S, Setting, config_with};

pub fn fill(settings: &mut Vec<Setting>) {
    for semantics in [Semantics::Strict, Semantics::Compat] {
        for now in [0, 1, 59, 60, 61, NOW_UNIX_S, u64::MAX - 60, u64::MAX - 1, u64::MAX] {
            for skew in [0, 1, 60, u64::MAX] {
                settings.push(edges(semantics, now, skew));
            }
        }
    }
    order(&mut settings[0]);
}

/// Values at the last second that holds and the first that does not, and at the ends of the range.
fn edges(semantics: Semantics, now: u64, skew: u64) -> Setting {
    let config = config_with(|config| config.clock_skew_secs = skew).with_semantics(semantics);
    let ctx = RequestCtx::new(now, "GET", "/", "acme");
    let mut setting = Setting::new(format!("{semantics:?}, now {now}, skew {skew}"), config, ctx);
    let mut values = vec![0, 1, u64::MAX - 1, u64::MAX];
    for edge in [now.saturating_sub(skew), now, now.saturating_add(skew)] {
        values.extend([edge.saturating_sub(1), edge, edge.saturating_add(1)]);
    }
    values.sort_unstable();
    values.dedup();
    for value in values {
        // docs/WIRE.md, word for word.
        let expired = now > value.saturating_add(skew);
        let early = now.saturating_add(skew) < value;
        for (name, caveat, bad, error) in [
            ("Exp", Caveat::Exp(value), expired, AuthError::Expired),
            ("Nbf", Caveat::Nbf(value), early, AuthError::NotYetValid),
        ] {
            let token = minted(&wide(), [caveat]);
            if bad {
                setting.fails(41, format!("{name} {value}"), token, error);
            } else {
                setting.allows(41, format!("{name} {value}"), token, &wide());
            }
        }
    }
    setting
}

/// The first hard error in token order wins over the others and over all reasons.
fn order(usual: &mut Setting) {
    let (expired, early) = (Caveat::Exp(NOW_UNIX_S - 61), Caveat::Nbf(NOW_UNIX_S + 61));
    let (live, begun) = (Caveat::Exp(NOW_UNIX_S), Caveat::Nbf(NOW_UNIX_S));
    let denying = Caveat::Tenant("other".into());
    for (name, caveats, error) in [
        ("expired, then early", vec![&expired, &early], AuthError::Expired),
        ("early, then expired", vec![&early, &expired], AuthError::NotYetValid),
        ("live, begun, early, expired", vec![&live, &begun, &early, &expired], AuthError::NotYetValid),
        ("denied, then expired", vec![&denying, &expired], AuthError::Expired),
        ("expired, then denied", vec![&expired, &denying], AuthError::Expired),
        ("expired, then live", vec![&expired, &live], AuthError::Expired),
        ("live, then expired", vec![&live, &expired], AuthError::Expired),
        ("early, then begun", vec![&early, &begun], AuthError::NotYetValid),
        ("denied nine times, then early", [vec![&denying; 9], vec![&early]].concat(), AuthError::NotYetValid),
        ("expired after 63 others", [vec![&live; 63], vec![&expired]].concat(), AuthError::Expired),
        ("expired before 63 others", [vec![&expired], vec![&begun; 63]].concat(), AuthError::Expired),
    ] {
        usual.fails(42, name, minted(&wide(), caveats.into_iter().cloned()), error);
    }
    let mut narrow = wide();
    narrow.methods.clear();
    usual.fails(42, "the scope refuses, and expired", minted(&narrow, [expired]), AuthError::Expired);
}
