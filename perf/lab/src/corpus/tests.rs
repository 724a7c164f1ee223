use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;

use ron_auth_core::{Capability, Caveat, KeyName, KeyRing, MacKey, RequestCtx, Semantics, VerifierConfig};

use super::describe::JudgeInput;
use super::import::{Import, import};
use super::lines::parse;
use super::report::{kind_of, report};
use super::shape::{CaveatShape, Method, outcome::TokenOutcome};
use super::*;

const COUNT: usize = 400;

fn file_of(tokens: &[String]) -> Vec<u8> {
    tokens.join("\n").into_bytes()
}

type Imported = (Vec<Capability>, BTreeMap<TokenOutcome, usize>, Shape);

/// The valid tokens of a fixture, their outcomes and their shape, made once.
fn imported(fixture: Fixture) -> Imported {
    static ALL: LazyLock<HashMap<Fixture, Imported>> =
        LazyLock::new(|| Fixture::ALL.map(|fixture| (fixture, import_of(fixture))).into());
    ALL[&fixture].clone()
}

fn import_of(fixture: Fixture) -> Imported {
    let Corpus { tokens, keys, ctx, config, intended } = fixture.corpus(COUNT);
    let input = file_of(&tokens);
    let given = JudgeInput { keys, ctx, config };
    let Import { shape, bad } = import(Path::new("tokens"), &input, Some(&given), true).unwrap();
    let is_bad = |index: usize| bad.iter().any(|line| line.number == index + 1);
    let good = (0..COUNT).filter(|index| !is_bad(*index));
    let outcomes = histogram(good.map(|index| TokenOutcome::of(&intended[index])));
    (capabilities(&tokens), outcomes, shape)
}

fn capabilities(tokens: &[String]) -> Vec<Capability> {
    parse(&file_of(tokens), 4096).0.into_iter().map(|line| line.capability).collect()
}

fn histogram<T: Ord>(things: impl Iterator<Item = T>) -> BTreeMap<T, usize> {
    let mut counts = BTreeMap::new();
    for thing in things {
        *counts.entry(thing).or_insert(0) += 1;
    }
    counts
}

/// The kind of each caveat with its length on the wire. The first entries are the length of the whole token and of what
/// the first step of the MAC covers.
fn sizes(capability: &Capability) -> Vec<(&'static str, usize)> {
    let Capability { tid, kid, scope, caveats, .. } = capability;
    let mut sizes = vec![("token", capability.to_cbor().len()), ("tid", tid.len()), ("kid", kid.len())];
    let mut item = Vec::new();
    ron_auth_core::wire::encode_scope(scope, &mut item);
    sizes.push(("scope", item.len()));
    sizes.extend(caveats.iter().map(|caveat| {
        let mut item = Vec::new();
        ron_auth_core::wire::encode_caveat(caveat, &mut item);
        (kind_of(caveat), item.len())
    }));
    sizes
}

fn synthetic(shape: &Shape, count: usize) -> Corpus {
    Source::of_shape(Path::new("x.json"), shape.clone()).corpus(count)
}

#[test]
fn synthetic_tokens_have_the_sizes_kinds_and_outcomes_of_their_models() {
    for fixture in Fixture::ALL {
        let (originals, outcomes, shape) = imported(fixture);
        let made = synthetic(&shape, originals.len());
        assert_eq!(
            histogram(capabilities(&made.tokens).iter().map(sizes)),
            histogram(originals.iter().map(sizes)),
            "{fixture}"
        );
        assert_eq!(histogram(made.intended.iter().map(TokenOutcome::of)), outcomes, "{fixture}");
        assert_eq!(made.tokens.iter().collect::<BTreeSet<_>>().len(), originals.len(), "{fixture}: distinct");
        assert!(!report(&shape).contains("Not all"), "{}", report(&shape));
    }
}

#[test]
fn every_variant_decides_synthetic_tokens_as_intended() {
    for fixture in Fixture::ALL {
        let Corpus { tokens, keys, ctx, config, intended } = synthetic(&imported(fixture).2, 2 * COUNT);
        for variant in ron_auth_catalogue::catalogue() {
            let results = variant.build().verify_each(&config, &tokens, &ctx, &keys);
            for ((token, result), intended) in tokens.iter().zip(results).zip(&intended) {
                assert_eq!(result, *intended, "{fixture}, {}: {token}", variant.name);
            }
        }
    }
}

#[test]
fn a_shape_comes_back_from_its_file_and_mints_the_same_tokens() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mixed.corpus.json");
    let shape = imported(Fixture::Mixed).2;
    shape.write(&path).unwrap();
    assert_eq!(Shape::read(&path).unwrap(), shape);
    let source: Source = path.to_str().unwrap().parse().unwrap();
    assert_eq!(source.to_string(), path.to_str().unwrap());
    let corpus = source.corpus(100);
    assert_eq!(corpus.tokens, synthetic(&shape, 100).tokens);
    assert_eq!(corpus.tokens[..40], source.corpus(40).tokens, "a smaller corpus is the beginning of a larger one");
}

/// The parts of a text that carry content. Of a net this is its network: the number of its bits, and that zeros follow,
/// belong to its shape.
fn texts_of(capability: &Capability) -> Vec<String> {
    let Capability { tid, kid, scope, caveats, .. } = capability;
    let of_methods = |methods: &[std::borrow::Cow<'static, str>]| -> Vec<String> {
        methods.iter().filter(|name| !Method::is_standard(name)).map(ToString::to_string).collect()
    };
    let mut texts = [vec![tid.clone(), kid.clone()], of_methods(&scope.methods)].concat();
    texts.extend(scope.prefix.clone());
    for caveat in caveats {
        match caveat {
            Caveat::Aud(text) | Caveat::PathPrefix(text) | Caveat::Tenant(text) | Caveat::GovPolicyDigest(text) => {
                texts.push(text.clone())
            }
            Caveat::IpCidr(net) => {
                let network = net.split('/').next().unwrap_or_default();
                texts.push(network.trim_end_matches(".0").to_owned());
            }
            Caveat::Method(methods) => texts.extend(of_methods(methods)),
            Caveat::Custom { ns, name, cbor } => {
                texts.extend([ns.clone(), name.clone(), String::from_utf8_lossy(cbor).into_owned()]);
            }
            _ => {}
        }
    }
    texts
}

fn runs_of_5(text: &str) -> impl Iterator<Item = String> {
    let letters: Vec<char> = text.chars().collect();
    (0..letters.len().saturating_sub(4)).map(move |at| letters[at..at + 5].iter().collect())
}

#[test]
fn nothing_that_the_originals_say_is_in_the_file_or_in_synthetic_tokens() {
    for fixture in Fixture::ALL {
        let (originals, _, shape) = imported(fixture);
        let said: BTreeSet<String> = originals.iter().flat_map(texts_of).collect();
        let said: BTreeSet<String> = said.iter().flat_map(|text| runs_of_5(text)).collect();
        assert!(!said.is_empty(), "{fixture}");
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("corpus.json");
        shape.write(&path).unwrap();
        let file = std::fs::read_to_string(&path).unwrap();
        let values = values_in(&serde_json::from_str(&file).unwrap());
        let leaked: Vec<_> = said.iter().filter(|run| values.iter().any(|value| value.contains(*run))).collect();
        assert!(leaked.is_empty(), "{fixture}: {leaked:?} in the file");
        let made: BTreeSet<String> = capabilities(&synthetic(&shape, COUNT).tokens).iter().flat_map(texts_of).collect();
        let made: BTreeSet<String> = made.iter().flat_map(|text| runs_of_5(text)).collect();
        let leaked: Vec<_> = said.intersection(&made).collect();
        assert!(leaked.is_empty(), "{fixture}: {leaked:?} in the tokens");

        let numbers = |capabilities: &[Capability]| -> BTreeSet<u64> {
            let caveats = capabilities.iter().flat_map(|capability| &capability.caveats);
            let numbers = caveats.filter_map(|caveat| match caveat {
                Caveat::Exp(at) | Caveat::Nbf(at) => Some(*at),
                _ => None,
            });
            numbers.collect()
        };
        let digits: BTreeSet<String> = numbers(&originals).into_iter().map(|at| at.to_string()).collect();
        assert!(!digits.iter().any(|time| file.contains(time)), "{fixture}: a time is in the file");
        let macs = originals.iter().map(|capability| capability.mac);
        let macs: BTreeSet<_> = macs.collect();
        let made = capabilities(&synthetic(&shape, COUNT).tokens);
        assert!(!made.iter().any(|capability| macs.contains(&capability.mac)), "{fixture}: a MAC");
    }
}

/// All values that a file holds beside the names of its fields. A text that is not a word of the format is a leak.
fn values_in(value: &serde_json::Value) -> Vec<String> {
    match value {
        serde_json::Value::Object(fields) => fields.values().flat_map(values_in).collect(),
        serde_json::Value::Array(items) => items.iter().flat_map(values_in).collect(),
        serde_json::Value::String(text) => {
            let is_known = Method::is_standard(text) || ["strict", "compat", "v4", "v6", "Amnesia"].contains(&&**text);
            assert!(is_known, "{text:?} is in the file");
            Vec::new()
        }
        other => vec![other.to_string()],
    }
}

#[test]
fn without_keys_every_token_is_made_to_be_allowed_as_far_as_one_request_can_be() {
    for (fixture, most_denied) in [(Fixture::Light, 0), (Fixture::Heavy, COUNT), (Fixture::Mixed, COUNT / 4)] {
        let tokens = fixture.corpus(COUNT).tokens;
        let Import { shape, .. } = import(Path::new("tokens"), &file_of(&tokens), None, true).unwrap();
        assert!(!shape.judged);
        let originals = capabilities(&tokens);
        let Corpus { tokens, keys, ctx, config, intended } = synthetic(&shape, originals.len());
        assert_eq!(
            histogram(capabilities(&tokens).iter().map(sizes)),
            histogram(originals.iter().map(sizes)),
            "{fixture}"
        );
        let denied = intended.iter().filter(|result| TokenOutcome::of(result) != TokenOutcome::Allowed).count();
        assert!(denied <= most_denied, "{fixture}: {denied}");
        assert_eq!(report(&shape).contains("Not all"), denied > 0, "{}", report(&shape));
        let plain = ron_auth_catalogue::find("plain").unwrap().build();
        let results = plain.verify_each(&config, &tokens, &ctx, &keys);
        assert!(results == intended, "{fixture}");
    }
}

#[test]
fn tokens_that_leave_nothing_to_choose_differ_in_their_key() {
    let mut shape = imported(Fixture::Mixed).2;
    let root = shape.tokens.iter_mut().find(|token| token.caveats.is_empty()).unwrap();
    root.scope.prefix_bytes = None;
    root.scope.max_bytes = None;
    let root = root.clone();
    shape.tokens = vec![root];
    let corpus = synthetic(&shape, 50);
    assert_eq!(corpus.tokens.iter().collect::<BTreeSet<_>>().len(), 50);
    let plain = ron_auth_catalogue::find("plain").unwrap().build();
    let Corpus { tokens, keys, ctx, config, intended } = corpus;
    assert!(plain.verify_each(&config, &tokens, &ctx, &keys) == intended);
}

#[test]
fn custom_values_of_every_length_are_canonical_and_judged_as_meant() {
    let (_, _, mut shape) = imported(Fixture::Heavy);
    let token = shape.tokens[0].clone();
    shape.settings.max_token_bytes = 1 << 20;
    shape.tokens = (1..300)
        .chain([65_538, 65_539, 65_540, 65_541])
        .map(|cbor_bytes| {
            let mut token = token.clone();
            token.caveats.retain(|caveat| matches!(caveat.is, CaveatShape::Custom { .. }));
            token.caveats.truncate(2);
            for (caveat, holds) in token.caveats.iter_mut().zip([true, cbor_bytes % 3 == 0]) {
                caveat.holds = holds;
                if let CaveatShape::Custom { cbor_bytes: bytes, .. } = &mut caveat.is {
                    *bytes = cbor_bytes;
                }
            }
            token
        })
        .collect();
    let Corpus { tokens, keys, ctx, config, intended } = synthetic(&shape, shape.tokens.len());
    let prod = ron_auth_catalogue::find("prod").unwrap().build();
    assert!(prod.verify_each(&config, &tokens, &ctx, &keys) == intended);
    assert!(intended.iter().any(|result| TokenOutcome::of(result) != TokenOutcome::Allowed));
}

#[test]
fn what_is_wrong_with_a_corpus_file_is_named_with_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bad.corpus.json");
    let shape = imported(Fixture::Light).2;
    shape.write(&path).unwrap();
    let good = std::fs::read_to_string(&path).unwrap();
    for (was, is, what) in [
        ("\"count\":400", "\"count\":-1", "bad.corpus.json:2: invalid value"),
        ("\"key\":0", "\"key\":7", "its key is not listed"),
        ("\"tenant\":0", "\"tenant\":3", "belongs to a tenant that is not listed"),
        ("\"format\":1", "\"format\":2", "format 2 instead of 1"),
        ("{\"Exp\":5}", "{\"Exp\":4}", "bad.corpus.json:2: "),
        ("{\"Aud\":8}", "{\"Aud\":80000000000}", "longer than"),
        ("\"count\":400", "\"count\":0", "add up to nothing"),
    ] {
        assert!(good.contains(was), "{was}: {good}");
        std::fs::write(&path, good.replacen(was, is, 1)).unwrap();
        let error = format!("{:#}", path.to_str().unwrap().parse::<Source>().unwrap_err());
        assert!(error.contains(what) && error.contains("bad.corpus.json"), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
    let error = "mixd".parse::<Source>().unwrap_err().to_string();
    assert!(error.contains("light, heavy, mixed") && error.contains("corpus file"), "{error}");
}

/// Uses tokens of an existing deployment, of all kinds and with many oddities, and requests that are as odd.
#[test]
fn odd_tokens_keep_their_sizes_and_come_to_what_is_intended_under_both_semantics() {
    let vectors: serde_json::Value =
        serde_json::from_str(include_str!("../../../../testdata/v1/decisions.json")).unwrap();
    let cases = vectors["cases"].as_array().unwrap();
    let tokens: Vec<String> = cases.iter().step_by(2).map(|case| case["token"].as_str().unwrap().to_owned()).collect();
    let originals = capabilities(&tokens);
    assert!(originals.len() > 200);
    let mut keys = KeyRing::new();
    for Capability { tid, kid, .. } in originals.iter().filter(|token| !token.kid.starts_with("gone")) {
        let key = MacKey::new(*blake3::hash(format!("{tid}/{kid}").as_bytes()).as_bytes());
        keys.insert(KeyName { tid, kid }, key);
    }
    let plain = ron_auth_catalogue::find("plain").unwrap().build();
    for (number, semantics) in [Semantics::Strict, Semantics::Compat].into_iter().cycle().take(4).enumerate() {
        let ctx = &cases[number * 123]["ctx"];
        let text = |field: &str| ctx[field].as_str().map(str::to_owned);
        let mut request = RequestCtx::new(
            ctx["now_unix_s"].as_u64().unwrap(),
            text("method").unwrap(),
            text("path").unwrap(),
            text("tenant").unwrap(),
        )
        .peer_ip(text("peer_ip").map(|ip| ip.parse().unwrap()))
        .content_len(ctx["content_len"].as_u64())
        .amnesia(ctx["amnesia"].as_bool().unwrap());
        if let Some(digest) = text("audience_and_policy_digest") {
            request = request.audience(digest.clone()).policy_digest(digest);
        }
        let config = VerifierConfig::default().with_semantics(semantics);
        let given = JudgeInput { keys: keys.clone(), ctx: request, config };
        let Import { shape, .. } = import(Path::new("tokens"), &file_of(&tokens), Some(&given), true).unwrap();

        let made = synthetic(&shape, originals.len());
        let made_capabilities = capabilities(&made.tokens);
        assert_eq!(
            histogram(made_capabilities.iter().map(sizes)),
            histogram(originals.iter().map(sizes)),
            "case {number}"
        );
        let Corpus { tokens, keys, ctx, config, intended } = made;
        let results = plain.verify_each(&config, &tokens, &ctx, &keys);
        assert!(results == intended, "case {number}");
        let wanted = shape.tokens.iter().flat_map(|token| vec![shape.outcome_of(token); token.count]);
        let is_exact = histogram(wanted) == histogram(intended.iter().map(TokenOutcome::of));
        // The compat semantics read nets in spellings for which no peer of ours may be found.
        assert!(is_exact || semantics == Semantics::Compat, "case {number}");
        assert_eq!(report(&shape).contains("Not all"), !is_exact, "case {number}: {}", report(&shape));
    }
}

#[test]
fn sources_are_the_same_if_their_paths_are() {
    let shape = imported(Fixture::Light).2;
    let of = |path: &str| Source::of_shape(Path::new(path), shape.clone());
    assert_eq!(of("a"), of("a"));
    assert_ne!(of("a"), of("b"));
    assert_ne!(of("light"), Source::Fixture(Fixture::Light));
}
