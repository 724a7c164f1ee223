//! Classes 43 to 56, and 70 to 73: what caveats and scope say, under the strict semantics.

use std::borrow::Cow;

use ron_auth_core::{Caveat, DenyReason, Rate, RequestCtx, Scope};

use super::reasons as why;
use super::token::{minted, minted_for, wide};
use super::{NOW_UNIX_S, Setting, compat, config, ctx, ctx_at, ip};

pub fn fill(settings: &mut Vec<Setting>) {
    let usual = &mut settings[0];
    names(usual);
    methods(usual);
    rates(usual);
    customs(usual);
    repeated(usual);
    many(usual);
    addresses(settings);
    lengths(settings);
    paths(settings);
    unknown(settings);
    tenants(settings);
    laxer_under_compat(settings);
}

/// One caveat on a wide scope: the reason why not, or `None`.
fn judged(setting: &mut Setting, class: usize, caveat: Caveat, reason: Option<DenyReason>) {
    judged_with(setting, class, &wide(), [caveat], reason);
}

fn judged_with(
    setting: &mut Setting,
    class: usize,
    scope: &Scope,
    caveats: impl IntoIterator<Item = Caveat>,
    reasons: impl IntoIterator<Item = DenyReason>,
) {
    let caveats: Vec<Caveat> = caveats.into_iter().collect();
    let reasons: Vec<DenyReason> = reasons.into_iter().collect();
    let name = format!("{caveats:?} on {scope:?}");
    let token = minted(scope, caveats);
    if reasons.is_empty() {
        setting.allows(class, name, token, scope)
    } else {
        setting.denies(class, name, token, reasons)
    }
}

fn custom(ns: &str, name: &str, cbor: &[u8]) -> Caveat {
    Caveat::Custom { ns: ns.into(), name: name.into(), cbor: cbor.into() }
}

fn names(usual: &mut Setting) {
    judged(usual, 43, Caveat::Aud("us".into()), None);
    for other in ["", "them", "US", "u", "us ", " us", "us\0", "usa", "00ff", "\u{feff}us", "uѕ"] {
        judged(usual, 43, Caveat::Aud(other.into()), Some(why::aud()));
    }
    judged(usual, 44, Caveat::GovPolicyDigest("00ff".into()), None);
    for other in ["", "00fe", "00FF", "00f", "00ff ", "0x00ff", "us", "00ff\0"] {
        judged(usual, 44, Caveat::GovPolicyDigest(other.into()), Some(why::digest()));
    }
    judged(usual, 51, Caveat::Tenant("acme".into()), None);
    for other in ["", "other", "ACME", "acm", "acme ", "acme\0", "acme/x", "аcme"] {
        judged(usual, 51, Caveat::Tenant(other.into()), Some(why::tenant()));
    }
    judged(usual, 52, Caveat::Amnesia(false), None);
    judged(usual, 52, Caveat::Amnesia(true), Some(why::amnesia()));
}

fn methods(usual: &mut Setting) {
    for (names, held) in [
        (&["GET"][..], true),
        (&["POST", "get"], true),
        (&["gEt"], true),
        (&["X-PURGE", "", "GET"], true),
        (&[], false),
        (&[""], false),
        (&["POST"], false),
        (&["GE"], false),
        (&["GETS"], false),
        (&["GET "], false),
        (&[" GET"], false),
        (&["GET\0"], false),
        (&["GET,POST"], false),
        (&["*"], false),
        (&["ＧＥＴ"], false),
        (&["HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"], false),
        (&["a method whose name is longer than 23 bytes"], false),
    ] {
        let owned = || names.iter().map(|name| Cow::Borrowed(*name));
        judged(usual, 45, Caveat::methods(owned()), (!held).then(why::method));
        let scope = Scope { methods: owned().collect(), ..wide() };
        judged_with(usual, 54, &scope, [], (!held).then(why::scope_methods));
    }
    // Every refusal by the scope, in its order, before those of caveats.
    let scope = Scope { prefix: Some("/x".into()), methods: vec![], max_bytes: Some(23) };
    let refusals = [why::scope_methods(), why::scope_prefix(), why::scope_max_bytes()];
    judged_with(usual, 54, &scope, [], refusals.clone());
    judged_with(usual, 54, &scope, [Caveat::Aud("them".into())], [refusals.to_vec(), vec![why::aud()]].concat());
    let of_others = minted_for("other", "k1", &scope, [Caveat::Tenant("other".into())]);
    let reasons = [vec![why::tid()], refusals.to_vec(), vec![why::tenant()]].concat();
    usual.denies(54, "tenant, methods, prefix, limit, caveat", of_others, reasons);
}

fn rates(usual: &mut Setting) {
    let rate = |per_s, burst| Rate { per_s, burst };
    let mut obliged = |rates: &[Rate]| {
        let token = minted(&wide(), rates.iter().copied().map(Caveat::Rate));
        usual.allows_obliged(50, format!("{rates:?}"), token, &wide(), rates);
    };
    obliged(&[rate(0, 0)]);
    obliged(&[rate(u32::MAX, u32::MAX)]);
    obliged(&[rate(0, u32::MAX), rate(u32::MAX, 0)]);
    obliged(&[rate(2, 9), rate(1, 9), rate(3, 9), rate(1, 9)]);
    obliged(&[rate(1, 1); 5]);
    obliged(&[rate(7, 7); 64]);
    for caveats in
        [[Caveat::Rate(rate(1, 1)), Caveat::Aud("them".into())], [Caveat::Aud("them".into()), Caveat::Rate(rate(1, 1))]]
    {
        judged_with(usual, 50, &wide(), caveats, [why::aud()]);
    }
    let none = Scope { methods: vec![], ..wide() };
    judged_with(usual, 50, &none, [Caveat::Rate(rate(1, 1))], [why::scope_methods()]);
}

fn customs(usual: &mut Setting) {
    let null = &[0xf6][..];
    judged(usual, 53, custom("any", "x", null), None);
    judged(usual, 53, custom("never", "x", null), Some(why::refused("never x")));
    judged(usual, 53, custom("even", "x", null), Some(why::refused("odd")));
    judged(usual, 53, custom("even", "x", &[0x18, 24]), None);
    for (ns, name) in [
        ("plan", "paid"),
        ("", ""),
        ("", "x"),
        ("Any", "x"),
        ("any ", "x"),
        ("any\0", "x"),
        ("an", "y/x"),
        ("any/x", ""),
        ("a\nb", "\u{1b}[31m"),
        ("unhandled", "unhandled:any/x"),
        ("ns of more than twenty-three bytes", "é"),
    ] {
        judged(usual, 53, custom(ns, name, null), Some(why::unhandled(ns, name)));
    }
    // Handlers by turns: the one that was asked last is not taken for the next.
    judged_with(
        usual,
        53,
        &wide(),
        ["any", "never", "any", "even", "plan", "even", "never", "any"].map(|ns| custom(ns, ns, null)),
        [
            why::refused("never never"),
            why::refused("odd"),
            why::unhandled("plan", "plan"),
            why::refused("odd"),
            why::refused("never never"),
        ],
    );
    judged_with(
        usual,
        53,
        &wide(),
        [Caveat::Aud("them".into()), custom("never", "x", null)],
        [why::aud(), why::refused("never x")],
    );
}

/// Every kind twice, once in a way that holds and once in one that does not: all have to hold.
fn repeated(usual: &mut Setting) {
    let get = |name: &'static str| Caveat::methods([name]);
    for (holds, fails, reason) in [
        (Caveat::Aud("us".into()), Caveat::Aud("them".into()), why::aud()),
        (get("GET"), get("POST"), why::method()),
        (Caveat::PathPrefix("/index".into()), Caveat::PathPrefix("/inde".into()), why::path()),
        (Caveat::IpCidr("10.0.0.0/8".into()), Caveat::IpCidr("11.0.0.0/8".into()), why::ip()),
        (Caveat::BytesLe(24), Caveat::BytesLe(23), why::bytes()),
        (Caveat::Tenant("acme".into()), Caveat::Tenant("other".into()), why::tenant()),
        (Caveat::Amnesia(false), Caveat::Amnesia(true), why::amnesia()),
        (Caveat::GovPolicyDigest("00ff".into()), Caveat::GovPolicyDigest("ff00".into()), why::digest()),
        (custom("any", "x", &[0xf6]), custom("never", "x", &[0xf6]), why::refused("never x")),
    ] {
        judged_with(usual, 55, &wide(), [holds.clone(), holds.clone()], []);
        judged_with(usual, 55, &wide(), [holds.clone(), fails.clone()], [reason.clone()]);
        judged_with(usual, 55, &wide(), [fails.clone(), holds.clone()], [reason.clone()]);
        judged_with(usual, 55, &wide(), [fails.clone(), holds, fails.clone()], [reason.clone(), reason.clone()]);
        let twice = [fails.clone(), fails];
        judged_with(usual, 55, &wide(), twice, [reason.clone(), reason]);
    }
}

/// More than fits where a few are kept in line.
fn many(usual: &mut Setting) {
    let denying = [
        (Caveat::Aud("them".into()), why::aud()),
        (Caveat::BytesLe(1), why::bytes()),
        (Caveat::Amnesia(true), why::amnesia()),
        (custom("plan", "é", &[0xf6]), why::unhandled("plan", "é")),
        (Caveat::PathPrefix("/x".into()), why::path()),
    ];
    for count in [1, 7, 8, 9, 16, 17, 31, 32, 33, 64] {
        let (caveats, reasons): (Vec<_>, Vec<_>) = denying.iter().cycle().take(count).cloned().unzip();
        judged_with(usual, 70, &wide(), caveats, reasons);
        let holding = vec![Caveat::Exp(NOW_UNIX_S); count];
        judged_with(usual, 70, &wide(), holding.clone(), []);
        // The last of many, and the first.
        let last = [&holding[..count - 1], &[Caveat::Aud("them".into())]].concat();
        judged_with(usual, 70, &wide(), last.clone(), [why::aud()]);
        judged_with(usual, 70, &wide(), last.into_iter().rev(), [why::aud()]);
    }
    // More nets than are remembered, over and over.
    for distinct in [1, 3, 4, 5, 9] {
        let nets = [
            "10.0.0.0/8",
            "127.0.0.0/8",
            "10.1.0.0/16",
            "::/0",
            "10.1.2.0/24",
            "10.1.2.4/32",
            "0.0.0.0/0",
            "10.0.0.1/8",
            "10.1.2.3/32",
        ];
        let held = ["10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "0.0.0.0/0", "10.1.2.3/32"];
        let used: Vec<&str> = nets[..distinct].iter().copied().cycle().take(distinct * 4).collect();
        let refused = used.iter().filter(|net| !held.contains(net)).count();
        let caveats: Vec<Caveat> = used.iter().map(|net| Caveat::IpCidr((*net).into())).collect();
        judged_with(usual, 71, &wide(), caveats, vec![why::ip(); refused]);
    }
}

fn addresses(settings: &mut Vec<Setting>) {
    let nets = [
        "10.0.0.0/8",
        "10.1.2.3/32",
        "10.1.2.2/31",
        "10.1.2.0/24",
        "0.0.0.0/0",
        "8.0.0.0/6",
        "11.0.0.0/8",
        "10.1.2.4/32",
        "10.1.2.3/8",
        "10.0.0.1/8",
        "1.2.3.4/0",
        "10.0.0.0/08",
        "010.0.0.0/8",
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "10.0.0.0/+8",
        "10.0.0.0/8/8",
        "10.0.0.0/",
        "10.0.0.0",
        "10/8",
        "10.0.0/8",
        "10.0.0.0.0/8",
        "256.0.0.0/8",
        "0x0a.0.0.0/8",
        "10.0.0.0/255.0.0.0",
        "167772160/8",
        " 10.0.0.0/8",
        "10.0.0.0/8 ",
        "10.0.0.0/8\0",
        "10.0.0.0/٨",
        "10.1.2.3",
        "",
        "/",
        "/0",
        "*",
        "any",
        "localhost",
        "2001:db8::/32",
        "2001:DB8::/32",
        "2001:0db8::/32",
        "2001:db8:0:0:0:0:0:0/32",
        "2001:db8::7/128",
        "2001:db8::7/32",
        "2001:db8::/129",
        "2001:db8::",
        "[2001:db8::]/32",
        "::/0",
        "::/1",
        "fe80::/10",
        "fe80::1%eth0/64",
        "fe80::%1/10",
        "fe80::1/128",
        "::ffff:0:0/96",
        "::ffff:0.0.0.0/96",
        "::ffff:10.0.0.0/104",
        "::ffff:10.1.2.3/128",
        "::ffff:a01:203/128",
        "::10.1.2.3/128",
        "::a01:203/128",
        "64:ff9b::a01:203/128",
        "1:2:3:4:5:6:7::8/128",
        "1:2:3:4:5:6:7:8/128",
        "1:2:3:4:5:6:7:8:9/128",
        ":::/0",
        "1::2::3/128",
    ];
    let v4 = &["10.0.0.0/8", "10.1.2.3/32", "10.1.2.2/31", "10.1.2.0/24", "0.0.0.0/0", "8.0.0.0/6"][..];
    for (peer, containing) in [
        (Some("10.1.2.3"), v4),
        (Some("::ffff:10.1.2.3"), v4),
        (Some("2001:db8::7"), &["2001:db8::/32", "2001:db8::7/128", "::/0", "::/1"]),
        (Some("fe80::1"), &["::/0", "fe80::/10", "fe80::1/128"]),
        (Some("::10.1.2.3"), &["::/0", "::/1", "::a01:203/128"]),
        (Some("192.0.2.1"), &["0.0.0.0/0"]),
        (Some("0.0.0.0"), &["0.0.0.0/0"]),
        (Some("::"), &["::/0", "::/1"]),
        (None, &[]),
    ] {
        let ctx = ctx().peer_ip(peer.map(ip));
        let mut setting = Setting::of(format!("peer {peer:?}"), ctx);
        for net in nets {
            let reason = (!containing.contains(&net)).then(why::ip);
            judged(&mut setting, 48, Caveat::IpCidr(net.into()), reason);
        }
        settings.push(setting);
    }
}

fn lengths(settings: &mut Vec<Setting>) {
    for len in [None, Some(0), Some(1), Some(24), Some(u64::MAX)] {
        let mut setting = Setting::of(format!("a length of {len:?}"), ctx().content_len(len));
        for limit in [0, 1, 23, 24, 25, u64::MAX - 1, u64::MAX] {
            let exceeds = len.is_none_or(|len| len > limit);
            judged(&mut setting, 49, Caveat::BytesLe(limit), exceeds.then(why::bytes));
            let scope = wide().with_max_bytes(limit);
            judged_with(&mut setting, 54, &scope, [], exceeds.then(why::scope_max_bytes));
        }
        settings.push(setting);
    }
}

fn paths(settings: &mut Vec<Setting>) {
    // Path, and the prefixes that it lies below; of no other prefix it does.
    let prefixes = [
        "",
        "/",
        "/index",
        "/index/",
        "/index/1",
        "/index/1/",
        "/inde",
        "/Index",
        "index",
        "/index/..",
        "/é",
        "/\u{65}\u{301}",
    ];
    let walking = &[][..];
    for (path, covering) in [
        ("/index/1", &["", "/", "/index", "/index/", "/index/1"][..]),
        ("/index", &["", "/", "/index"]),
        ("/index/", &["", "/", "/index", "/index/"]),
        ("/index-admin", &["", "/"]),
        ("/é/x", &["", "/", "/é"]),
        ("/index/1/..", walking),
        ("/index/../secret", walking),
        ("/index/./1", walking),
        ("/index/.", walking),
        ("/index//1", walking),
        ("//index/1", walking),
        ("//", walking),
        ("/index/%2e%2e/1", walking),
        ("/index/%2E./1", walking),
        ("/index/.%2e", walking),
        ("/index%2f1", walking),
        ("/index/1%2F", walking),
        ("/%2e", walking),
        ("..", walking),
        ("../index/1", walking),
    ] {
        let mut setting = Setting::of(format!("path {path}"), ctx_at(path));
        for prefix in prefixes {
            let refused = !covering.contains(&prefix);
            judged(&mut setting, 46, Caveat::PathPrefix(prefix.into()), refused.then(why::path));
            let scope = Scope { prefix: Some(prefix.into()), ..wide() };
            judged_with(&mut setting, 54, &scope, [], refused.then(why::scope_prefix));
        }
        // No prefix, no condition.
        judged_with(&mut setting, 54, &wide(), [], []);
        settings.push(setting);
    }
}

/// A request of which nothing is known but what must be.
fn unknown(settings: &mut Vec<Setting>) {
    let mut bare = Setting::of("a request of which little is known", RequestCtx::new(NOW_UNIX_S, "GET", "/", "acme"));
    for name in ["us", ""] {
        judged(&mut bare, 43, Caveat::Aud(name.into()), Some(why::aud()));
        judged(&mut bare, 44, Caveat::GovPolicyDigest(name.into()), Some(why::digest()));
    }
    judged(&mut bare, 48, Caveat::IpCidr("0.0.0.0/0".into()), Some(why::ip()));
    judged(&mut bare, 48, Caveat::IpCidr("::/0".into()), Some(why::ip()));
    judged(&mut bare, 49, Caveat::BytesLe(u64::MAX), Some(why::bytes()));
    judged_with(&mut bare, 54, &wide().with_max_bytes(u64::MAX), [], [why::scope_max_bytes()]);
    judged(&mut bare, 52, Caveat::Amnesia(false), None);
    judged(&mut bare, 52, Caveat::Amnesia(true), Some(why::amnesia()));
    judged_with(&mut bare, 54, &wide(), [], []);
    settings.push(bare);

    let mut forgetful = Setting::of("amnesia", ctx().amnesia(true));
    judged(&mut forgetful, 52, Caveat::Amnesia(true), None);
    judged(&mut forgetful, 52, Caveat::Amnesia(false), Some(why::amnesia()));
    settings.push(forgetful);

    for method in ["get", "Get", "X-Purge", "", "GET POST", "géT"] {
        let mut setting = Setting::of(format!("method {method:?}"), RequestCtx::new(NOW_UNIX_S, method, "/", "acme"));
        for name in ["GET", "get", "x-purge", "", "POST", "GÉT", "Gét"] {
            let held = name.eq_ignore_ascii_case(method);
            let named = Scope { methods: vec![Cow::Borrowed(name)], ..wide() };
            judged_with(&mut setting, 45, &named, [Caveat::methods([name])], {
                if held { vec![] } else { vec![why::scope_methods(), why::method()] }
            });
        }
        settings.push(setting);
    }
}

fn tenants(settings: &mut Vec<Setting>) {
    for tenant in ["other", "", "ACME", "acm", "acme "] {
        let ctx = RequestCtx::new(NOW_UNIX_S, "GET", "/", tenant).audience("").policy_digest("");
        let mut setting = Setting::of(format!("tenant {tenant:?}"), ctx);
        for tid in ["acme", "other", "", "ACME"] {
            let token = minted_for(tid, "k1", &wide(), []);
            if tid == tenant {
                setting.allows(51, format!("tid {tid:?}"), token, &wide());
            } else {
                setting.denies(51, format!("tid {tid:?}"), token, [why::tid()]);
            }
            let token = minted_for(tid, "k1", &wide(), [Caveat::Tenant(tid.into())]);
            if tid == tenant {
                setting.allows(51, format!("tid and tenant {tid:?}"), token, &wide());
            } else {
                setting.denies(51, format!("tid and tenant {tid:?}"), token, [why::tid(), why::tenant()]);
            }
        }
        // Nothing is nothing's equal: empty text is text, and is compared as such.
        let of_ours = |caveat: Caveat| minted_for(tenant, "k1", &wide(), [caveat]);
        setting.allows(43, "an empty audience", of_ours(Caveat::Aud(String::new())), &wide());
        setting.allows(44, "an empty digest", of_ours(Caveat::GovPolicyDigest(String::new())), &wide());
        settings.push(setting);
    }
}

/// Class 56: each row in which the compat semantics are laxer, under both.
fn laxer_under_compat(settings: &mut Vec<Setting>) {
    let rows = [
        ("an audience that is the digest", ctx(), wide(), Caveat::Aud("00ff".into()), why::aud()),
        ("a prefix within a segment", ctx(), wide(), Caveat::PathPrefix("/ind".into()), why::path()),
        ("a path that walks", ctx_at("/index/../x"), wide(), Caveat::PathPrefix("/index".into()), why::path()),
        ("a path with an empty segment", ctx_at("/index//x"), wide(), Caveat::PathPrefix("/index".into()), why::path()),
        ("host bits", ctx(), wide(), Caveat::IpCidr("10.0.0.1/8".into()), why::ip()),
        (
            "a net in upper case",
            ctx().peer_ip(ip("2001:db8::7")),
            wide(),
            Caveat::IpCidr("2001:DB8::/32".into()),
            why::ip(),
        ),
        ("an unknown length", ctx().content_len(None), wide(), Caveat::BytesLe(0), why::bytes()),
        (
            "a custom caveat without a handler",
            ctx(),
            wide(),
            custom("plan", "paid", &[0xf6]),
            why::unhandled("plan", "paid"),
        ),
        ("a custom caveat that is refused", ctx(), wide(), custom("never", "x", &[0xf6]), why::refused("never x")),
        (
            "a method that is not granted",
            ctx(),
            Scope { methods: vec![], ..wide() },
            Caveat::Exp(u64::MAX),
            why::scope_methods(),
        ),
        (
            "a prefix that is not granted",
            ctx(),
            Scope { prefix: Some("/x".into()), ..wide() },
            Caveat::Exp(u64::MAX),
            why::scope_prefix(),
        ),
        (
            "a length that is not granted",
            ctx(),
            wide().with_max_bytes(0),
            Caveat::Exp(u64::MAX),
            why::scope_max_bytes(),
        ),
    ];
    for (name, ctx, scope, caveat, reason) in rows {
        let token = minted(&scope, [caveat]);
        let mut strict = Setting::new(format!("{name}, strict"), config(), ctx.clone());
        strict.denies(56, name, token.clone(), [reason]);
        let mut lax = Setting::new(format!("{name}, compat"), compat(), ctx);
        lax.allows(56, name, token, &scope);
        settings.extend([strict, lax]);
    }
    let of_others = minted_for("other", "k1", &wide(), []);
    let mut strict = Setting::new("another tenant's token, strict", config(), ctx());
    strict.denies(56, "another tenant's token", of_others.clone(), [why::tid()]);
    let mut lax = Setting::new("another tenant's token, compat", compat(), ctx());
    lax.allows(56, "another tenant's token", of_others, &wide());
    // Where compat is not laxer: these are refused under both.
    for (name, caveat, reason) in [
        ("an audience that is the audience", Caveat::Aud("us".into()), why::aud()),
        ("another tenant", Caveat::Tenant("other".into()), why::tenant()),
        ("another digest", Caveat::GovPolicyDigest("us".into()), why::digest()),
        ("another mode", Caveat::Amnesia(true), why::amnesia()),
        ("another method", Caveat::methods(["POST"]), why::method()),
        ("another prefix", Caveat::PathPrefix("/x".into()), why::path()),
        ("another net", Caveat::IpCidr("11.0.0.0/8".into()), why::ip()),
        ("no net", Caveat::IpCidr("nonsense".into()), why::ip()),
        ("a known length", Caveat::BytesLe(23), why::bytes()),
    ] {
        lax.denies(56, name, minted(&wide(), [caveat]), [reason]);
    }
    let rate = Caveat::Rate(Rate { per_s: 1, burst: 1 });
    lax.allows(56, "a rate", minted(&wide(), [rate]), &wide());
    settings.extend([strict, lax]);
}
