//! Which paths a prefix covers under the strict semantics, through every function that verifies.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a surprise stops a test")]

mod tables;

use ron_auth::{
    CapabilityBuilder, Caveat, Decision, DenyReason, MacKey, RequestCtx, Scope, Semantics, VerifierConfig, Workspace,
    verify_each, verify_each_in, verify_many, verify_many_into, verify_token, verify_token_in,
};

use tables::{NOT_FROM_THE_ROOT, PERMITTED, REFUSED};

/// A token that is for `prefix` by its scope, and one that is by a caveat.
fn tokens(prefix: &str) -> [String; 2] {
    let minted = |prefix: Option<&str>, caveats: Vec<Caveat>| {
        let scope = Scope { prefix: prefix.map(Into::into), methods: vec!["GET".into()], max_bytes: None };
        let token = CapabilityBuilder::new("acme", "k", scope).caveats(caveats).sign(&MacKey::new([7; 32]));
        token.unwrap().to_base64url()
    };
    [minted(Some(prefix), vec![]), minted(None, vec![Caveat::PathPrefix(prefix.into())])]
}

fn ctx(path: &str) -> RequestCtx<'_> {
    RequestCtx::new(1_762_700_000, "GET", path, "acme")
}

/// What a token alone comes to on `path`.
fn alone(semantics: Semantics, token: &str, path: &str) -> Decision {
    let config = VerifierConfig::default().with_semantics(semantics);
    verify_token(&config, token, &ctx(path), &MacKey::new([7; 32])).unwrap()
}

/// What it comes to by each function, and in batches, under the strict semantics.
fn everywhere(token: &str, path: &str) -> Vec<Decision> {
    let (config, ctx, key) = (VerifierConfig::default(), ctx(path), MacKey::new([7; 32]));
    let mut workspace = Workspace::default();
    let mut decisions = vec![alone(Semantics::Strict, token, path)];
    decisions.push(verify_token_in(&config, token, &ctx, &key, &mut workspace).unwrap().to_decision());
    // Enough for lanes, and for the columnar evaluator.
    let batch = [token; 17];
    decisions.extend(verify_each(&config, &batch, &ctx, &key).into_iter().map(Result::unwrap));
    verify_each_in(&config, &batch, &ctx, &key, &mut workspace, |_, verdict| {
        decisions.push(verdict.unwrap().to_decision());
    });
    let mut many = Vec::new();
    verify_many_into(&config, &batch, &ctx, &key, &mut many).unwrap();
    decisions.append(&mut many);
    decisions.extend(verify_many(&config, &batch, &ctx, &key).unwrap());
    decisions
}

#[track_caller]
fn assert_outcome(decision: Decision, permitted: bool, what: std::fmt::Arguments<'_>) {
    assert_eq!(decision.is_allow(), permitted, "{what}");
    if let Decision::Deny { reasons } = decision {
        assert_eq!(reasons, [DenyReason::PathNotAllowed], "{what}");
    }
}

#[track_caller]
fn assert_strict(prefix: &str, path: &str, permitted: bool) {
    for token in tokens(prefix) {
        let decision = alone(Semantics::Strict, &token, path);
        assert_outcome(decision, permitted, format_args!("{path:?} below {prefix:?}"));
    }
}

#[track_caller]
fn assert_strict_everywhere(prefix: &str, path: &str, permitted: bool) {
    for token in tokens(prefix) {
        for decision in everywhere(&token, path) {
            assert_outcome(decision, permitted, format_args!("{path:?} below {prefix:?}"));
        }
    }
}

#[test]
fn what_some_server_resolves_to_another_path_is_not_allowed() {
    for (who, paths) in REFUSED {
        for path in *paths {
            assert!(path.starts_with("/public"), "{who}: {path:?} would be refused without a rule");
            for prefix in ["/public", "/public/", "/"] {
                assert_strict(prefix, path, false);
            }
            assert_strict_everywhere("", path, false);
        }
    }
}

#[test]
fn what_does_not_begin_at_the_root_is_not_allowed() {
    for &path in NOT_FROM_THE_ROOT {
        for prefix in ["/", path] {
            assert_strict(prefix, path, false);
        }
        assert_strict_everywhere("", path, false);
    }
}

#[test]
fn ordinary_paths_are_allowed() {
    for &path in PERMITTED {
        for prefix in ["/", "", path] {
            assert_strict(prefix, path, true);
        }
        assert_strict_everywhere("/public", path, true);
    }
}

#[test]
fn compat_compares_bytes_and_nothing_else() {
    let refused = REFUSED.iter().flat_map(|(_, paths)| *paths);
    for path in refused.chain(PERMITTED).chain(NOT_FROM_THE_ROOT) {
        for prefix in ["/public", "/public/.", "", "/other"] {
            let [by_scope, by_caveat] = tokens(prefix);
            assert!(alone(Semantics::Compat, &by_scope, path).is_allow(), "compat enforces no scope: {path:?}");
            let permitted = path.starts_with(prefix);
            assert_eq!(alone(Semantics::Compat, &by_caveat, path).is_allow(), permitted, "{path:?} below {prefix:?}");
        }
    }
}

#[test]
fn a_prefix_covers_whole_segments_as_they_are_written() {
    for (prefix, path, permitted) in [
        ("/public", "/public/x", true),
        ("/public", "/publicx", false),
        ("/public", "/public-x", false),
        ("/public", "/public.x", false),
        ("/public", "/public:x", false),
        ("/public", "/public%20/x", false),
        // A segment with parameters is another segment, though some servers strip them.
        ("/public", "/public;x", false),
        ("/public", "/public;x/y", false),
        ("/public", "/public;/../admin", false),
        ("/public", "/public;x/..", false),
        ("/public;x", "/public;x/y", true),
        ("/public;x", "/public/y", false),
        ("/public;x", "/public;y/y", false),
        // Nor is one spelling of a name another's.
        ("/public", "/%70ublic/x", false),
        ("/%70ublic", "/public/x", false),
        ("/%70ublic", "/%70ublic/x", true),
        ("/caf%C3%A9", "/caf%C3%A9/x", true),
        ("/caf%C3%A9", "/caf%c3%a9/x", false),
        ("/caf%C3%A9", "/café/x", false),
        ("/café", "/café/x", true),
        ("/Public", "/public/x", false),
        // A cut escape at a prefix's end is not completed by the path.
        ("/caf%C3", "/caf%C3%A9", false),
        ("/caf%C3%A", "/caf%C3%A9", false),
        ("/a%", "/a%20b", false),
        ("public", "/public", false),
    ] {
        assert_strict(prefix, path, permitted);
    }
}

#[test]
fn a_prefix_that_is_not_plain_itself_covers_nothing() {
    let refused = REFUSED.iter().flat_map(|(_, paths)| *paths);
    for prefix in refused.chain(NOT_FROM_THE_ROOT).filter(|prefix| !prefix.is_empty()) {
        for path in [prefix.to_string(), format!("{prefix}/x"), format!("{prefix}x")] {
            // What follows may mend the prefix's last segment, which then is a name of its own that it doesn't cover.
            assert_strict(prefix, &path, false);
        }
        for path in ["/public", "/public/x", "/"] {
            assert_strict(prefix, path, false);
        }
    }
}
