//! Tokens as long as the default bounds allow. They feel what light and heavy ones do not.
//!
//! They are minted here and not among the fixtures, because this package is also built inside of older revisions, whose
//! fixtures have none.

use std::net::{IpAddr, Ipv4Addr};

use ron_auth_core::{
    CapabilityBuilder, Caveat, CustomCaveat, Decision, KeyName, KeyRing, MacKey, RequestCtx, Scope, VerifierConfig,
};
use ron_auth_fixtures::Corpus;

const NOW_UNIX_S: u64 = 1_762_700_000;
/// `Exp` of the first token; each next token's is one second later.
const FIRST_EXP_UNIX_S: u64 = NOW_UNIX_S + 600;
const TENANT: &str = "test";
const KID: &str = "k1";
const AUDIENCE: &str = "aud-demo";
/// The one CBOR item `null`.
const CBOR_NULL: u8 = 0xf6;

/// `count` distinct tokens of sixty-two caveats and 3.8 kB of CBOR; the default bounds are 64 caveats and 4096 bytes.
/// All are allowed, and they differ in their `Exp` only.
pub(crate) fn corpus(count: usize) -> Corpus {
    // Twenty-four prefixes of one path, each a segment longer than the one before.
    let mut path = String::from("/");
    let prefixes: Vec<String> = ('a'..='x')
        .map(|letter| {
            path.push_str(&letter.to_string().repeat(6));
            path.push('/');
            path.clone()
        })
        .collect();
    let scope = Scope::new("/", ["GET", "HEAD"]);
    let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
    let nets = ["10.0.0.0/8", "10.0.0.0/9", "10.1.0.0/16", "10.1.0.0/20", "10.1.2.0/24", "10.1.2.0/28"];
    let token = |exp_unix_s: u64| {
        CapabilityBuilder::new(TENANT, KID, scope.clone())
            .caveats([Caveat::Aud(AUDIENCE.into()), Caveat::Tenant(TENANT.into()), Caveat::Exp(exp_unix_s)])
            .caveats(prefixes.iter().map(|prefix| Caveat::PathPrefix(prefix.clone())))
            .caveats((0..8).map(|_| Caveat::methods(methods)))
            .caveats(nets.map(|net| Caveat::IpCidr(net.into())))
            .caveats((0..4).map(|index| Caveat::BytesLe(1 << (20 + index))))
            .caveats([Caveat::Nbf(NOW_UNIX_S - 600), Caveat::Amnesia(false)])
            .caveats((0..15).map(|index| Caveat::Custom {
                ns: "demo".into(),
                name: format!("x{index}"),
                cbor: vec![CBOR_NULL],
            }))
    };
    let key = MacKey::new([7; 32]);
    // Only values of custom caveats that are no canonical CBOR are refused. What is no token fails the check.
    let text =
        |exp_unix_s| token(exp_unix_s).sign(&key).map(|capability| capability.to_base64url()).unwrap_or_default();
    let tokens = (FIRST_EXP_UNIX_S..).take(count).map(text).collect();
    let mut keys = KeyRing::new();
    keys.insert(KeyName { tid: TENANT, kid: KID }, key);
    Corpus {
        tokens,
        keys,
        ctx: RequestCtx::new(NOW_UNIX_S, "GET", format!("{path}42"), TENANT)
            .audience(AUDIENCE)
            .peer_ip(IpAddr::V4(Ipv4Addr::new(10, 1, 2, 3)))
            .content_len(4096),
        config: VerifierConfig::default()
            .with_custom_handler("demo", |_: &CustomCaveat<'_>, _: &RequestCtx<'_>| Ok(())),
        intended: vec![Ok(Decision::Allow { scope, obligations: Vec::new() }); count],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_near_the_default_bounds_and_within_them() {
        let config = VerifierConfig::default();
        let chars = |bytes: usize| (bytes * 4).div_ceil(3);
        let tokens = corpus(2).tokens;
        let near = chars(config.max_token_bytes * 8 / 10)..=chars(config.max_token_bytes);
        assert!(near.contains(&tokens[0].len()), "{} characters", tokens[0].len());
        assert_eq!(config.max_caveats, 64, "sixty-two are near");
        assert!(tokens[0] != tokens[1]);
    }
}
