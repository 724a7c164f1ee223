//! The tokens, each with its request, in groups: recorded ones, fixtures, and long ones, as they are and damaged.

use std::sync::Arc;

use ron_auth_core::{
    CapabilityBuilder, Caveat, CaveatKind, CustomCaveat, Demands, KeyName, MacKeyProvider, RequestCtx, Scope,
    Semantics, VerifierConfig, wire,
};
use ron_auth_fixtures::{Corpus, Fixture};

use crate::recorded::{Item, KeyRule};

/// Tokens of each fixture. Few, because emulated machines are slow; the recorded ones are as many as the sizes of
/// batches come to.
const COUNT: usize = 90;

/// Tokens that are judged by the same settings with the same keys.
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) config: VerifierConfig,
    pub(crate) keys: Arc<dyn MacKeyProvider + Send + Sync>,
    pub(crate) items: Vec<Item>,
}

/// All of them, in an order that never changes.
pub(crate) fn groups(recorded: &[Item]) -> Vec<Group> {
    let by_rule = |name: &str, config: VerifierConfig, items: Vec<Item>| Group {
        name: name.to_owned(),
        config,
        keys: Arc::new(KeyRule),
        items,
    };
    let demands =
        Demands::default().caveat(CaveatKind::Exp).caveat(CaveatKind::IpCidr).max_lifetime_secs(600).audience();
    let mut groups = Vec::from(in_all_ways(by_rule("recorded", VerifierConfig::default(), recorded.to_vec())));
    groups.extend(in_all_ways(by_rule("long", with_handler(), long())));
    groups.push(by_rule("recorded, demands", VerifierConfig::default().with_demands(demands), one_in_three(recorded)));
    groups.extend(Fixture::ALL.into_iter().flat_map(|fixture| in_all_ways(fixed(fixture, COUNT))));
    for group in &mut groups {
        // Batches stay on this thread.
        group.config.par_min_batch = usize::MAX;
    }
    groups
}

fn fixed(fixture: Fixture, count: usize) -> Group {
    let Corpus { tokens, keys, ctx, config, .. } = fixture.corpus(count);
    let items = tokens.into_iter().map(|token| (token, ctx.clone())).collect();
    Group { name: fixture.to_string(), config, keys: Arc::new(keys), items }
}

/// Under both semantics; damaged too, to which the semantics are all the same.
fn in_all_ways(group: Group) -> [Group; 3] {
    let compat = Group {
        name: format!("{}, compat", group.name),
        config: group.config.clone().with_semantics(Semantics::Compat),
        keys: Arc::clone(&group.keys),
        items: group.items.clone(),
    };
    let damaged = Group {
        name: format!("{}, a character changed in each", group.name),
        config: group.config.clone(),
        keys: Arc::clone(&group.keys),
        items: damaged(&one_in_three(&group.items)),
    };
    let strict = Group {
        name: format!("{}, strict", group.name),
        config: group.config.with_semantics(Semantics::Strict),
        ..group
    };
    [strict, compat, damaged]
}

fn one_in_three(items: &[Item]) -> Vec<Item> {
    items.iter().step_by(3).cloned().collect()
}

/// Each token with one character changed, at a place that moves from token to token: first characters, which decide how
/// the rest is read, come as often as all others together.
fn damaged(items: &[Item]) -> Vec<Item> {
    let damage = |(index, (token, ctx)): (usize, &Item)| {
        let mut bytes = token.clone().into_bytes();
        let range = if index % 2 == 0 { bytes.len().min(64) } else { bytes.len() };
        if let Some(byte) = bytes.get_mut((index * 7919) % range.max(1)) {
            *byte = if *byte == b'A' { b'B' } else { b'A' };
        }
        (String::from_utf8_lossy(&bytes).into_owned(), ctx.clone())
    };
    items.iter().enumerate().map(damage).collect()
}

fn with_handler() -> VerifierConfig {
    VerifierConfig::default().with_custom_handler("even", |caveat: &CustomCaveat<'_>, _: &RequestCtx<'_>| {
        if caveat.cbor().len() % 2 == 0 { Ok(()) } else { Err("odd".into()) }
    })
}

/// Tokens with steps of every length at which hashing goes another way: blocks of 64 bytes and, from 1,024 on, a tree;
/// with every number of caveats up to and beyond the most accepted; and as long as tokens may be.
fn long() -> Vec<Item> {
    let texts = (0..=136).chain(980..=1010);
    let steps = texts.map(|len| (len % 150, vec![custom(len), custom(len / 2), Caveat::Amnesia(false)]));
    let counts = (0..=66).map(|count| (2, vec![Caveat::Exp(2_000_000_000); count]));
    let whole = (816..=876)
        .step_by(6)
        .map(|len| (2, [[custom(1000), custom(1000), custom(1000)].as_slice(), &[custom(len)]].concat()));
    steps
        .chain(counts)
        .chain(whole)
        .filter_map(|(kid_len, caveats)| {
            let (tid, kid) = ("acme", "k".repeat(kid_len));
            let key = KeyRule.key_for(KeyName { tid, kid: &kid })?;
            let scope = Scope::new("/index/", ["GET"]);
            let token = CapabilityBuilder::new(tid, kid, scope).caveats(caveats).sign(&key).ok()?;
            Some((token.to_base64url(), RequestCtx::new(1_762_700_000, "GET", "/index/1", "acme")))
        })
        .collect()
}

/// One whose value is a text of so many bytes.
fn custom(len: usize) -> Caveat {
    let mut cbor = Vec::new();
    wire::encode_text(&"x".repeat(len), &mut cbor);
    Caveat::Custom { ns: "even".into(), name: String::new(), cbor }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeSet;

    use ron_auth_core::{AuthError, Decision};

    use super::*;
    use crate::compare::reference;
    use crate::verifiers::verifiers;

    pub(crate) fn light(count: usize) -> Group {
        fixed(Fixture::Light, count)
    }

    #[test]
    fn long_tokens_lie_on_both_sides_of_the_longest_and_of_the_most_caveats() {
        let items = long();
        assert_eq!(items.len(), 137 + 31 + 67 + 11);
        let group = Group { name: String::new(), config: with_handler(), keys: Arc::new(KeyRule), items };
        let outcomes = reference(&group, &verifiers());
        let [counts, whole] = [168..235, 235..246].map(|range| &outcomes[range]);
        for outcomes in [counts, whole] {
            let good = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
            let beyond = outcomes.iter().filter(|outcome| **outcome == Err(AuthError::Bounds)).count();
            assert!(good > 0 && beyond > 0 && good + beyond == outcomes.len(), "{good} good, {beyond} beyond");
        }
        assert!(outcomes[..168].iter().any(|outcome| outcome.as_ref().is_ok_and(Decision::is_allow)));
        assert!(outcomes[..168].iter().any(|outcome| outcome.as_ref().is_ok_and(|decision| !decision.is_allow())));
    }

    #[test]
    fn each_group_has_a_name_of_its_own() {
        let groups = groups(&light(2).items);
        assert_eq!(groups.iter().map(|group| group.name.as_str()).collect::<BTreeSet<_>>().len(), groups.len());
    }
}
