//! Class 47: spellings that some server resolves to another path, and ordinary paths beside them.
//!
//! Apart from the other cases, because each path is a request of its own, and judged by the tests named after it.

// Taken from where docs/WIRE.md is held to them, one by one.
#[path = "../../../../verifier/tests/paths/tables.rs"]
mod tables;

use ron_auth_core::{Caveat, Scope};

use super::token::{minted, wide};
use super::{Setting, ctx_at, reasons};
use tables::{NOT_FROM_THE_ROOT, PERMITTED, REFUSED};

/// Each path, under a prefix in the scope, in a caveat, and in both.
pub fn settings() -> Vec<Setting> {
    let judged = |path: &'static str, covered: bool| {
        let mut setting = Setting::of(format!("path {path:?}"), ctx_at(path));
        let below = |prefix: &str| Scope { prefix: Some(prefix.into()), ..wide() };
        for (name, scope, caveat, reasons) in [
            ("\"\" in the scope", below(""), None, vec![reasons::scope_prefix()]),
            ("/ in a caveat", wide(), Some("/"), vec![reasons::path()]),
            ("/public in both", below("/public"), Some("/public"), vec![reasons::scope_prefix(), reasons::path()]),
        ] {
            let token = minted(&scope, caveat.map(|prefix| Caveat::PathPrefix(prefix.into())));
            if covered { setting.allows(47, name, token, &scope) } else { setting.denies(47, name, token, reasons) }
        }
        setting
    };
    let refused = REFUSED.iter().flat_map(|(_, paths)| *paths).chain(NOT_FROM_THE_ROOT);
    let permitted = PERMITTED.iter().map(|path| judged(path, true));
    refused.map(|path| judged(path, false)).chain(permitted).collect()
}
