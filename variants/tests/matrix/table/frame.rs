//! Classes 11 to 33, and 64 to 68: the bytes of the CBOR.
//!
//! Where an item is written another way, the token comes twice: under the MAC of what it means, which is right to a
//! decoder that reads leniently and writes again, and under the MAC of its bytes as they are, which is right to one
//! that takes them from where they lie.

use ron_auth_core::{AuthError, Rate, Scope};

use super::cbor::{
    ARRAY, BREAK, BYTES, Item, MAP, NEGATIVE, SIMPLE, TAG, TEXT, UNSIGNED, array, bool, bytes, half, head, head_in,
    indefinite, inside, items, map, negative, null, tagged, text, text_of, uint, undefined,
};
use super::token::{Raw, around, base64url, caveat, custom, scope, wide, wide_methods};
use super::{CBOR, Setting, config_with, ctx};

pub fn fill(settings: &mut Vec<Setting>) {
    let usual = &mut settings[0];
    good(usual);
    ends(usual);
    entries(usual);
    names(usual);
    other_writings(usual);
    other_types(usual);
    texts(usual);
    values(usual);
    counts(usual);
    other_counts(settings);
}

impl Setting {
    /// None of the tokens is CBOR as it should be.
    fn none(&mut self, class: usize, name: &str, tokens: impl IntoIterator<Item = String>) {
        for (index, token) in tokens.into_iter().enumerate() {
            let mac = if index == 0 { "" } else { ", signed as it is" };
            self.fails(class, format!("{name}{mac}"), token, CBOR);
        }
    }
}

fn every() -> Raw {
    Raw::with_every_caveat()
}

fn exp() -> Raw {
    Raw::with(&[caveat("Exp", uint(u64::MAX))])
}

/// The tokens that the others differ from are good ones.
fn good(usual: &mut Setting) {
    let granted = Scope { prefix: Some("/".into()), max_bytes: Some(1 << 40), ..wide() };
    usual.allows_obliged(64, "a caveat of every kind", every().token(), &granted, [Rate { per_s: 2, burst: 200 }]);
    usual.allows(64, "one caveat", exp().token(), &wide());
    usual.allows(64, "none", Raw::with(&[]).token(), &wide());
    usual.allows(64, "null", around(null()).token(), &wide());
}

fn ends(usual: &mut Setting) {
    let cbor = every().cbor();
    let mut cuts: Vec<usize> = items(&cbor).iter().flat_map(|item| [item.at, item.at + item.head_len]).collect();
    cuts.dedup();
    for cut in cuts.into_iter().filter(|cut| *cut < cbor.len()).chain([cbor.len() - 1]) {
        usual.fails(11, format!("cut at byte {cut}"), base64url(&cbor[..cut]), CBOR);
    }
    for (name, more) in [
        ("a zero", vec![0]),
        ("null", null()),
        ("a break", vec![BREAK]),
        ("a tag", head(TAG, 1)),
        ("a cut tag", vec![0xd9]),
        ("a tagged null", tagged(55_799, &null())),
        ("an empty text", text("")),
        ("another MAC", vec![0; 32]),
        ("another token", cbor.clone()),
    ] {
        usual.fails(12, format!("{name} behind the token"), base64url(&[cbor.clone(), more].concat()), CBOR);
    }
}

/// What becomes of a map when its entries are put in another order, are missing, there twice, or others.
fn rearranged(entries: &[(Item, Item)]) -> Vec<(&'static str, String, Item)> {
    let mut found = Vec::new();
    let key = |index: usize| format!("{:?}", String::from_utf8_lossy(&entries[index].0[1..]));
    let count = entries.len();
    for index in 0..count {
        let mut missing = entries.to_vec();
        let entry = missing.remove(index);
        found.push(("extra", format!("without {}", key(index)), map(&missing)));
        let counted = [head(MAP, count as u64), inside(&missing)].concat();
        found.push(("extra", format!("without {}, which is counted", key(index)), counted));
        let mut null_there = entries.to_vec();
        null_there.insert(index, (text("x"), null()));
        found.push(("extra", format!("an unknown key before {}", key(index)), map(&null_there)));
        found.push(("extra", format!("an uncounted key before {}", key(index)), {
            [head(MAP, count as u64), inside(&null_there)].concat()
        }));
        let mut twice = entries.to_vec();
        twice.insert(index, entry.clone());
        found.push(("twice", format!("{} twice", key(index)), map(&twice)));
        let mut last = entries.to_vec();
        last.push(entry.clone());
        found.push(("twice", format!("{} again at the end", key(index)), map(&last)));
        let mut instead = entries.to_vec();
        let next = (index + 1) % count;
        instead[next] = entry.clone();
        found.push(("twice", format!("{} instead of {}", key(index), key(next)), map(&instead)));
        for other in index + 1..count {
            let mut swapped = entries.to_vec();
            swapped.swap(index, other);
            found.push(("order", format!("{} and {} swapped", key(index), key(other)), map(&swapped)));
        }
        for (what, other_key) in [
            ("upper case", entry.0.to_ascii_uppercase()),
            ("a number", uint(index as u64)),
            ("a byte string", [&[(entry.0[0] & 0x1f) | BYTES << 5][..], &entry.0[1..]].concat()),
            ("a long head", [&[TEXT << 5 | 24, entry.0[0] & 0x1f][..], &entry.0[1..]].concat()),
            ("a space behind it", text_of(&[&entry.0[1..], b" "].concat())),
            ("a NUL behind it", text_of(&[&entry.0[1..], b"\0"].concat())),
        ] {
            // The head's byte was not a letter.
            let other_key = if what == "upper case" { [&entry.0[..1], &other_key[1..]].concat() } else { other_key };
            let mut renamed = entries.to_vec();
            renamed[index].0 = other_key;
            found.push(("extra", format!("{} as {what}", key(index)), map(&renamed)));
        }
    }
    found.push(("order", "reversed".into(), map(&entries.iter().rev().cloned().collect::<Vec<_>>())));
    found.push(("extra", "empty".into(), map(&[])));
    found
}

fn entries(usual: &mut Setting) {
    for (kind, name, cbor) in rearranged(&exp().entries()) {
        let class = match kind {
            "order" => 13,
            "twice" => 14,
            _ => 15,
        };
        usual.fails(class, format!("the token: {name}"), base64url(&cbor), CBOR);
    }
    // A MAC that is right for the scope as it is written.
    let granted = [(text("prefix"), null()), (text("methods"), wide_methods()), (text("max_bytes"), null())];
    for (_, name, scope) in rearranged(&granted) {
        usual.fails(18, format!("the scope: {name}"), Raw { scope, ..exp() }.token(), CBOR);
    }
    for (_, name, caveat) in rearranged(&[(text("t"), text("Exp")), (text("v"), uint(u64::MAX))]) {
        usual.fails(16, format!("a caveat: {name}"), Raw::with(&[caveat]).token(), CBOR);
    }
    for (_, name, value) in rearranged(&[(text("per_s"), uint(1)), (text("burst"), uint(2))]) {
        usual.fails(19, format!("a rate: {name}"), Raw::with(&[caveat("Rate", value)]).token(), CBOR);
    }
    for (_, name, value) in rearranged(&[(text("ns"), text("any")), (text("name"), text("")), (text("cbor"), null())]) {
        usual.fails(16, format!("a custom caveat: {name}"), Raw::with(&[caveat("Custom", value)]).token(), CBOR);
    }
    for beyond in [1 << 32, u64::MAX] {
        for (name, per_s, burst) in [("per_s", beyond, 1), ("burst", 1, beyond), ("both", beyond, beyond)] {
            let rate = map(&[(text("per_s"), uint(per_s)), (text("burst"), uint(burst))]);
            let token = Raw::with(&[caveat("Rate", rate)]).token();
            usual.fails(19, format!("a rate: {name} {beyond}"), token, CBOR);
        }
    }
    // Another format, found in documents of deployments and never built.
    let other =
        map(&[(text("v"), uint(1)), (text("r"), map(&[])), (text("c"), array(&[])), (text("s"), bytes(&[0; 32]))]);
    usual.fails(65, "keys v, r, c, s", base64url(&other), CBOR);
    let other = map(&[
        (text("v"), uint(1)),
        (text("r"), map(&[])),
        (text("c"), array(&[])),
        (text("s"), bytes(&[0; 32])),
        (text("x"), null()),
    ]);
    usual.fails(65, "keys v, r, c, s and another", base64url(&other), CBOR);
}

fn names(usual: &mut Setting) {
    for name in [
        "exp",
        "EXP",
        "Exp ",
        " Exp",
        "Exp\0",
        "Expiry",
        "Ex",
        "E",
        "",
        "exp\u{301}",
        "Εxp",
        "NBF",
        "aud",
        "method",
        "Methods",
        "Path",
        "Pathprefix",
        "IpCIDR",
        "Ip",
        "Bytes",
        "BytesLE",
        "rate",
        "tenant",
        "amnesia",
        "custom",
        "GovPolicyDigest2",
        "GovPolicyDiges",
        "t",
        "v",
        "Unknown",
    ] {
        for (what, value) in [("a number", uint(u64::MAX)), ("a text", text("us")), ("null", null())] {
            usual.fails(17, format!("{name:?} of {what}"), Raw::with(&[caveat(name, value)]).token(), CBOR);
        }
    }
    for (name, raw) in [
        ("a number", Raw::with(&[map(&[(text("t"), uint(0)), (text("v"), uint(1))])])),
        ("a byte string", Raw::with(&[map(&[(text("t"), bytes(b"Exp")), (text("v"), uint(1))])])),
        ("null", Raw::with(&[map(&[(text("t"), null()), (text("v"), uint(1))])])),
        ("a list", Raw::with(&[map(&[(text("t"), array(&[text("Exp")])), (text("v"), uint(1))])])),
        ("a map", Raw::with(&[map(&[(text("t"), map(&[(text("Exp"), null())])), (text("v"), uint(1))])])),
    ] {
        usual.fails(17, format!("{name} for a name"), raw.token(), CBOR);
    }
}

/// Every item of a token with every kind of caveat, written in another way.
fn other_writings(usual: &mut Setting) {
    let raw = every();
    let cbor = raw.cbor();
    for item in items(&cbor) {
        let at = item.at;
        if item.major != SIMPLE {
            for width in [1, 2, 4, 8].into_iter().filter(|width| 1 + width > item.head_len) {
                let long = head_in(width, item.major, item.argument);
                let name = format!("the head at {at} in {} bytes", long.len());
                usual.none(21, &name, raw.edited(at, item.head_len, &long));
            }
            for reserved in [28, 29, 30] {
                let name = format!("the head at {at} with additional information {reserved}");
                usual.none(21, &name, raw.edited(at, item.head_len, &[item.major << 5 | reserved]));
            }
        } else if item.head_len == 1 {
            let long = [SIMPLE << 5 | 24, item.argument as u8];
            usual.none(21, &format!("the simple value at {at} in two bytes"), raw.edited(at, 1, &long));
        }
        for tag in [1, 2, 24, 55_799, u64::MAX] {
            usual.none(22, &format!("tag {tag} before the item at {at}"), raw.edited(at, 0, &head(TAG, tag)));
        }
        let body = &cbor[at + item.head_len..item.end];
        let pieces = match item.major {
            BYTES | TEXT => {
                let whole = [head(item.major, item.argument), body.to_vec()].concat();
                vec![
                    [indefinite(item.major), whole, vec![BREAK]].concat(),
                    [indefinite(item.major), vec![BREAK]].concat(),
                ]
            }
            ARRAY | MAP => vec![
                [&indefinite(item.major)[..], body, &[BREAK]].concat(),
                [&indefinite(item.major)[..], body].concat(),
            ],
            UNSIGNED | NEGATIVE => vec![indefinite(item.major)],
            _ => vec![vec![BREAK]],
        };
        for (index, piece) in pieces.iter().enumerate() {
            let name = format!("the item at {at} of indefinite length, {index}");
            usual.none(20, &name, raw.edited(at, item.end - at, piece));
        }
    }
    // A number as a bignum: the tag is on a byte string of the same value.
    let number = items(&cbor).into_iter().find(|item| item.argument == super::NOW_UNIX_S + 600).unwrap();
    let bignum = tagged(2, &bytes(&number.argument.to_be_bytes()[4..]));
    usual.none(22, "a time as a bignum", raw.edited(number.at, number.end - number.at, &bignum));
}

/// Every field with an item of a type that is not its own.
fn other_types(usual: &mut Setting) {
    let wrong_for_text = || {
        vec![
            ("a byte string", bytes(b"acme")),
            ("an empty byte string", bytes(b"")),
            ("a number", uint(5)),
            ("a negative number", negative(0)),
            ("a float", half(0x3c00)),
            ("true", bool(true)),
            ("undefined", undefined()),
            ("an empty list", array(&[])),
            ("a list of it", array(&[text("acme")])),
            ("an empty map", map(&[])),
            ("a map of it", map(&[(text("acme"), null())])),
        ]
    };
    let wrong_for_number = || {
        vec![
            ("a negative number", negative(0)),
            ("the most negative number", negative(u64::MAX)),
            ("a float", half(0x3c00)),
            ("a float of 64 bits", [&[0xfb][..], &1e300_f64.to_bits().to_be_bytes()].concat()),
            ("true", bool(true)),
            ("undefined", undefined()),
            ("a text", text("5")),
            ("an empty text", text("")),
            ("a byte string", bytes(&[5])),
            ("a bignum", tagged(2, &bytes(&[5]))),
            ("a bignum of nothing", tagged(2, &bytes(&[]))),
            ("a bignum of 17 bytes", tagged(2, &bytes(&[1; 17]))),
            ("a negative bignum", tagged(3, &bytes(&[5]))),
            ("a list of it", array(&[uint(5)])),
            ("an empty map", map(&[])),
        ]
    };
    let wrong_for_list = || {
        vec![
            ("null", null()),
            ("undefined", undefined()),
            ("a text", text("GET")),
            ("an empty text", text("")),
            ("an empty byte string", bytes(b"")),
            ("a byte string", bytes(b"GET")),
            ("a number", uint(0)),
            ("false", bool(false)),
            ("an empty map", map(&[])),
            ("a map of them", map(&[(text("GET"), text("POST"))])),
            ("a list of a number", array(&[uint(0)])),
            ("a list of a byte string", array(&[bytes(b"GET")])),
            ("a list of a list", array(&[array(&[text("GET")])])),
            ("a list of null", array(&[null()])),
            ("a list of a tagged text", array(&[tagged(0, &text("GET"))])),
        ]
    };
    let and_null = |mut wrong: Vec<(&'static str, Item)>| {
        wrong.push(("null", null()));
        wrong
    };
    let wrong_for_bool = vec![
        ("zero", uint(0)),
        ("one", uint(1)),
        ("null", null()),
        ("undefined", undefined()),
        ("a text", text("false")),
        ("an empty text", text("")),
        ("a float", half(0)),
        ("simple value 0", vec![0xe0]),
        ("simple value 255", vec![0xf8, 0xff]),
        ("a list of it", array(&[bool(false)])),
    ];
    let map_or_list = |mut wrong: Vec<(&'static str, Item)>| {
        wrong.extend([("null", null()), ("a number", uint(0)), ("a text", text("x")), ("true", bool(true))]);
        wrong.extend([("an empty list", array(&[])), ("an empty text", text("")), ("undefined", undefined())]);
        wrong
    };
    let rate = |per_s: Item, burst: Item| caveat("Rate", map(&[(text("per_s"), per_s), (text("burst"), burst)]));

    let mut with = |field: &str, wrong: Vec<(&'static str, Item)>, raw: &dyn Fn(Item) -> Raw| {
        for (what, item) in wrong {
            usual.fails(23, format!("{field}: {what}"), raw(item).token(), CBOR);
        }
    };
    with("tid", and_null(wrong_for_text()), &|tid| Raw { tid, ..exp() });
    with("kid", and_null(wrong_for_text()), &|kid| Raw { kid, ..exp() });
    with("scope", map_or_list(vec![]), &|scope| Raw { scope, ..exp() });
    with("prefix", wrong_for_text(), &|prefix| Raw { scope: scope(prefix, wide_methods(), null()), ..exp() });
    with("methods", wrong_for_list(), &|methods| Raw { scope: scope(null(), methods, null()), ..exp() });
    with("max_bytes", wrong_for_number(), &|max| Raw { scope: scope(null(), wide_methods(), max), ..exp() });
    for name in ["Exp", "Nbf", "BytesLe"] {
        with(name, and_null(wrong_for_number()), &|value| Raw::with(&[caveat(name, value)]));
    }
    for name in ["Aud", "PathPrefix", "IpCidr", "Tenant", "GovPolicyDigest"] {
        with(name, and_null(wrong_for_text()), &|value| Raw::with(&[caveat(name, value)]));
    }
    with("Method", wrong_for_list(), &|value| Raw::with(&[caveat("Method", value)]));
    with("Amnesia", wrong_for_bool, &|value| Raw::with(&[caveat("Amnesia", value)]));
    with("Rate", map_or_list(vec![]), &|value| Raw::with(&[caveat("Rate", value)]));
    with("per_s", and_null(wrong_for_number()), &|value| Raw::with(&[rate(value, uint(1))]));
    with("burst", and_null(wrong_for_number()), &|value| Raw::with(&[rate(uint(1), value)]));
    with("Custom", map_or_list(vec![]), &|value| Raw::with(&[caveat("Custom", value)]));
    with("ns", and_null(wrong_for_text()), &|ns| {
        Raw::with(&[caveat("Custom", map(&[(text("ns"), ns), (text("name"), text("")), (text("cbor"), null())]))])
    });
    with("name", and_null(wrong_for_text()), &|name| {
        Raw::with(&[caveat("Custom", map(&[(text("ns"), text("any")), (text("name"), name), (text("cbor"), null())]))])
    });
    with("a caveat", map_or_list(vec![]), &|item| Raw::with(&[item]));

    as_arrays(usual);
    mac_items(usual);
    let caveats_as = |item: Item| {
        let mut entries = Raw::with(&[]).entries();
        entries[3].1 = item;
        base64url(&map(&entries))
    };
    for (what, item) in map_or_list(vec![]) {
        if what != "an empty list" {
            usual.fails(23, format!("caveats: {what}"), caveats_as(item), CBOR);
        }
    }
    usual.fails(23, "caveats: an empty map", caveats_as(map(&[])), CBOR);
    usual.fails(23, "caveats: an empty byte string", caveats_as(bytes(&[])), CBOR);
}

/// Structs as some serde formats write them.
fn as_arrays(usual: &mut Setting) {
    let raw = exp();
    let values: Vec<Item> = raw.entries().into_iter().map(|(_, value)| value).collect();
    let numbered = |values: &[Item]| -> Vec<(Item, Item)> {
        values.iter().enumerate().map(|(index, value)| (uint(index as u64), value.clone())).collect()
    };
    usual.fails(24, "the token as an array", base64url(&array(&values)), CBOR);
    usual.fails(24, "the token with keys by number", base64url(&map(&numbered(&values))), CBOR);
    let granted = [null(), wide_methods(), null()];
    usual.fails(24, "the scope as an array", Raw { scope: array(&granted), ..exp() }.token(), CBOR);
    usual.fails(24, "the scope with keys by number", Raw { scope: map(&numbered(&granted)), ..exp() }.token(), CBOR);
    let exp = [text("Exp"), uint(u64::MAX)];
    let rates = [uint(1), uint(2)];
    let customs = [text("any"), text(""), null()];
    for (name, caveat) in [
        ("a caveat as an array", array(&exp)),
        ("a caveat with keys by number", map(&numbered(&exp))),
        ("a caveat under its name", map(&[(exp[0].clone(), exp[1].clone())])),
        ("a caveat by its name alone", exp[0].clone()),
        ("a caveat by its number", array(&[uint(0), exp[1].clone()])),
        ("a caveat with its value in a list", caveat("Exp", array(&[uint(u64::MAX)]))),
        ("a rate as an array", caveat("Rate", array(&rates))),
        ("a rate with keys by number", caveat("Rate", map(&numbered(&rates)))),
        ("a rate without a value", map(&[(text("t"), text("Rate"))])),
        ("a rate among the caveat's keys", {
            map(&[(text("t"), text("Rate")), (text("per_s"), uint(1)), (text("burst"), uint(2))])
        }),
        ("a custom caveat as an array", caveat("Custom", array(&customs))),
        ("a custom caveat with keys by number", caveat("Custom", map(&numbered(&customs)))),
    ] {
        usual.fails(24, name, Raw::with(&[caveat]).token(), CBOR);
    }
}

/// The one field of fixed length.
fn mac_items(usual: &mut Setting) {
    let raw = exp();
    let mac = raw.mac();
    let [long, longer] = [2, 4].map(|width| [&head_in(width, BYTES, 32)[..], &mac[..]].concat());
    for (name, item) in [
        ("31 bytes", bytes(&mac[..31])),
        ("31 bytes, the first missing", bytes(&mac[1..])),
        ("33 bytes", bytes(&[&mac[..], &[0]].concat())),
        ("33 bytes, the first zero", bytes(&[&[0][..], &mac[..]].concat())),
        ("16 bytes", bytes(&mac[..16])),
        ("64 bytes", bytes(&[mac, mac].concat())),
        ("no byte", bytes(&[])),
        ("null", null()),
        ("a text", text(&"a".repeat(32))),
        ("a text of its bytes", text_of(&mac)),
        ("an array of its bytes", array(&mac.map(|byte| uint(u64::from(byte))))),
        ("an array of it", array(&[bytes(&mac)])),
        ("hexadecimal digits", text(&mac.iter().map(|byte| format!("{byte:02x}")).collect::<String>())),
        ("a head of three bytes", long),
        ("a head of five bytes", longer),
        ("tagged", tagged(2, &bytes(&mac))),
        ("in pieces", [&[0x5f][..], &bytes(&mac[..16]), &bytes(&mac[16..]), &[BREAK]].concat()),
        ("32 bytes announced, 31 there", [&[0x58, 32][..], &mac[..31]].concat()),
        ("31 bytes announced, 32 there", [&[0x58, 31][..], &mac[..]].concat()),
        ("33 bytes announced, 32 there", [&[0x58, 33][..], &mac[..]].concat()),
    ] {
        usual.fails(25, format!("MAC: {name}"), raw.token_with(&item), CBOR);
    }
}

/// Lengths at which heads grow and at which texts are read another way.
const LENGTHS: [usize; 15] = [0, 1, 7, 8, 9, 15, 16, 17, 22, 23, 24, 25, 31, 255, 256];

fn texts(usual: &mut Setting) {
    type Field = (&'static str, fn(Item) -> Raw);
    let fields: [Field; 13] = [
        ("tid", |tid| Raw { tid, ..exp() }),
        ("kid", |kid| Raw { kid, ..exp() }),
        ("prefix", |prefix| Raw { scope: scope(prefix, wide_methods(), null()), ..exp() }),
        ("a method of the scope", |name| Raw { scope: scope(null(), array(&[text("GET"), name]), null()), ..exp() }),
        ("Method", |name| Raw::with(&[caveat("Method", array(&[text("GET"), name]))])),
        ("Aud", |value| Raw::with(&[caveat("Aud", value)])),
        ("PathPrefix", |value| Raw::with(&[caveat("PathPrefix", value)])),
        ("IpCidr", |value| Raw::with(&[caveat("IpCidr", value)])),
        ("Tenant", |value| Raw::with(&[caveat("Tenant", value)])),
        ("GovPolicyDigest", |value| Raw::with(&[caveat("GovPolicyDigest", value)])),
        ("ns", |ns| {
            Raw::with(&[caveat("Custom", map(&[(text("ns"), ns), (text("name"), text("")), (text("cbor"), null())]))])
        }),
        ("name", |name| {
            Raw::with(&[caveat(
                "Custom",
                map(&[(text("ns"), text("any")), (text("name"), name), (text("cbor"), null())]),
            )])
        }),
        ("a text in a custom value", around),
    ];
    let bad: [(&str, &[u8]); 9] = [
        ("a byte beyond", b"\xff"),
        ("a continuation", b"\x80"),
        ("an overlong dot", b"\xc0\xae"),
        ("an overlong slash", b"\xe0\x80\xaf"),
        ("a surrogate", b"\xed\xa0\x80"),
        ("beyond Unicode", b"\xf4\x90\x80\x80"),
        ("cut after the first byte", b"\xc3"),
        ("cut after the second", b"\xe2\x82"),
        ("cut after the third", b"\xf0\x9f\xa6"),
    ];
    for (field, raw) in fields {
        for (what, sequence) in bad {
            usual.fails(26, format!("{field}: {what}"), raw(text_of(sequence)).token(), CBOR);
        }
        for len in LENGTHS.into_iter().filter(|len| *len > 0) {
            for at in [0, len / 2, len - 1] {
                let mut letters = vec![b'a'; len];
                letters[at] = 0xff;
                usual.fails(26, format!("{field}: byte {at} of {len}"), raw(text_of(&letters)).token(), CBOR);
            }
        }
    }
    for len in LENGTHS.into_iter().chain([257, 1000]) {
        for letter in ["a", "é", "中", "🦀"] {
            let name: String = std::iter::repeat_n(letter, len / letter.len()).collect();
            let name = format!("{name}{}", "a".repeat(len - name.len()));
            usual.allows(
                64,
                format!("a name of {len} bytes of {letter}"),
                Raw::with(&[caveat("Custom", custom("any", &name, text(&name)))]).token(),
                &wide(),
            );
            let kid = format!("k{}", name.get(letter.len()..).unwrap_or_default());
            usual.allows(64, format!("key id {kid:.4}, {} bytes", kid.len()), keyed(&kid), &wide());
        }
    }
}

/// A token of another key id, under its key.
fn keyed(kid: &str) -> String {
    let raw = Raw { kid: text(kid), ..exp() };
    raw.token_with(&bytes(raw.tags(&super::token::key("acme", kid)).last().unwrap()))
}

/// Values of custom caveats.
fn values(usual: &mut Setting) {
    for byte in 0..=u8::MAX {
        let good = matches!(byte, 0x00..=0x17 | 0x20..=0x37 | 0x40 | 0x60 | 0x80 | 0xa0 | 0xf4..=0xf6);
        let token = around(vec![byte]).token();
        if good {
            usual.allows(66, format!("{byte:02x}"), token, &wide());
        } else {
            usual.fails(66, format!("{byte:02x}"), token, CBOR);
        }
    }
    let float = |value: f32| [&[0xfa][..], &value.to_bits().to_be_bytes()].concat();
    let double = |bits: u64| [&[0xfb][..], &bits.to_be_bytes()].concat();
    for (name, value) in [
        ("simple value 24", vec![0xf8, 24]),
        ("simple value 32", vec![0xf8, 32]),
        ("simple value 255", vec![0xf8, 255]),
        ("true in two bytes", vec![0xf8, 21]),
        ("undefined in a list", array(&[undefined()])),
        ("a break in a list", array(&[vec![BREAK]])),
        ("another NaN", half(0x7e01)),
        ("a signalling NaN", half(0x7c01)),
        ("a negative NaN", half(0xfe00)),
        ("NaN of 32 bits", vec![0xfa, 0x7f, 0xc0, 0, 0]),
        ("NaN of 64 bits", double(0x7ff8_0000_0000_0000)),
        ("a NaN of 64 bits with a payload", double(0x7ff8_0000_0000_0001)),
        ("infinity of 32 bits", float(f32::INFINITY)),
        ("infinity of 64 bits", double(f64::INFINITY.to_bits())),
        ("zero of 32 bits", float(0.0)),
        ("negative zero of 64 bits", double((-0.0_f64).to_bits())),
        ("1.0 of 32 bits", float(1.0)),
        ("1.0 of 64 bits", double(1.0_f64.to_bits())),
        ("the least of 16 bits, in 32", float(2_f32.powi(-24))),
        ("the greatest of 16 bits, in 64", double(65_504_f64.to_bits())),
        ("1/3 of 32 bits, in 64", double(f64::from(1_f32 / 3.0).to_bits())),
        ("the least of 32 bits, in 64", double(f64::from(f32::from_bits(1)).to_bits())),
        ("a cut float", vec![0xfb, 0x3f]),
    ] {
        usual.fails(27, name, around(value).token(), CBOR);
    }
    for (name, value) in [
        ("NaN", half(0x7e00)),
        ("infinity", half(0x7c00)),
        ("negative infinity", half(0xfc00)),
        ("negative zero", half(0x8000)),
        ("the least of 16 bits", half(1)),
        ("1.5", half(0x3e00)),
        ("1/3 of 32 bits", float(1_f32 / 3.0)),
        ("the least of 32 bits", float(f32::from_bits(1))),
        ("1/3 of 64 bits", double((1_f64 / 3.0).to_bits())),
        ("the least of 64 bits", double(1)),
        ("the least number", negative(u64::MAX)),
        ("the least of 64 bits, signed", negative((1 << 63) - 1)),
        ("one below it", negative(1 << 63)),
        ("the greatest number", uint(u64::MAX)),
        ("the greatest of 63 bits and one", uint(1 << 63)),
    ] {
        usual.allows(66, name, around(value).token(), &wide());
    }
    let of = |keys: &[Item]| map(&keys.iter().map(|key| (key.clone(), null())).collect::<Vec<_>>());
    let long = |len: usize| text(&"a".repeat(len));
    for (name, value) in [
        ("numbers out of order", of(&[uint(2), uint(1)])),
        ("a long number before a short", of(&[uint(24), uint(23)])),
        ("negative numbers out of order", of(&[negative(1), negative(0)])),
        ("a negative number before a positive", of(&[negative(0), uint(0)])),
        ("a text before a number", of(&[text(""), uint(0)])),
        ("a text before a byte string", of(&[text(""), bytes(b"")])),
        ("a byte string before a number", of(&[bytes(b""), negative(0)])),
        ("texts out of order", of(&[text("b"), text("a")])),
        ("texts in order of bytes, not of length", of(&[text("aa"), text("b")])),
        ("a text of 24 before one of 23", of(&[long(24), long(23)])),
        ("byte strings out of order", of(&[bytes(&[1]), bytes(&[0])])),
        ("a number twice", of(&[uint(1), uint(1)])),
        ("a text twice", of(&[text("a"), text("a")])),
        ("a byte string twice", of(&[bytes(b""), bytes(b"")])),
        ("the first again as the third", of(&[uint(1), uint(2), uint(1)])),
        ("a key of a list", of(&[array(&[])])),
        ("a key of a map", of(&[map(&[])])),
        ("a key of true", of(&[bool(true)])),
        ("a key of null", of(&[null()])),
        ("a key of a float", of(&[half(0x3c00)])),
        ("a tagged key", of(&[tagged(1, &uint(0))])),
        ("a key with a long head", of(&[vec![0x18, 1]])),
        ("a bignum for a key", of(&[tagged(2, &bytes(&[1]))])),
        ("an odd number of items", [head(MAP, 1), uint(1)].concat()),
        ("a map out of order within a list", array(&[of(&[uint(2), uint(1)])])),
        ("a map out of order within a map", map(&[(uint(0), of(&[uint(2), uint(1)]))])),
    ] {
        usual.fails(28, name, around(value).token(), CBOR);
    }
    for (name, value) in [
        ("every kind of key", of(&[uint(0), uint(24), negative(0), bytes(b"z"), text("a"), text("b"), text("aa")])),
        ("texts of 23 and 24", of(&[long(23), long(24)])),
        ("255 and 256", of(&[uint(255), uint(256), uint(65_535), uint(65_536), uint(u64::MAX), negative(u64::MAX)])),
    ] {
        usual.allows(66, name, around(value).token(), &wide());
    }
    let deep = |levels: usize, inner: &[u8]| [&vec![0x81; levels][..], inner].concat();
    let deep_maps = |levels: usize| [[0xa1, 0x00].repeat(levels), null()].concat();
    usual.allows(29, "32 lists", around(deep(31, &[0x80])).token(), &wide());
    usual.allows(29, "32 lists, a number within", around(deep(32, &[0x00])).token(), &wide());
    usual.allows(29, "32 maps", around(deep_maps(32)).token(), &wide());
    usual.fails(29, "33 lists", around(deep(32, &[0x80])).token(), CBOR);
    usual.fails(29, "33 lists, a number within", around(deep(33, &[0x00])).token(), CBOR);
    usual.fails(29, "33 levels, the last an empty map", around(deep(32, &[0xa0])).token(), CBOR);
    usual.fails(29, "33 maps", around(deep_maps(33)).token(), CBOR);
    for levels in [127, 128, 129, 255, 256, 257, 2000] {
        usual.fails(29, format!("{levels} lists"), around(deep(levels, &[0x80])).token(), CBOR);
        usual.fails(29, format!("{levels} maps"), around(deep_maps(levels / 2)).token(), CBOR);
        usual.fails(29, format!("{levels} tags"), around([vec![0xc1; levels], null()].concat()).token(), CBOR);
        usual.fails(29, format!("{levels} indefinite lists"), around(vec![0x9f; levels]).token(), CBOR);
    }
    for (name, value) in [
        ("nothing", vec![]),
        ("two items", vec![0x00, 0x00]),
        ("a list that is short", vec![0x82, 0x00]),
        ("a long head", vec![0x18, 0x17]),
        ("a longer head", vec![0x19, 0x00, 0xff]),
        ("the longest head", vec![0x1b, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]),
        ("a negative number with a long head", vec![0x38, 0x17]),
        ("a text in pieces", vec![0x7f, 0x61, b'a', BREAK]),
        ("a byte string in pieces", vec![0x5f, 0x41, 0, BREAK]),
    ] {
        usual.fails(66, name, around(value).token(), CBOR);
    }
}

/// Counts and lengths that nothing follows.
fn counts(usual: &mut Setting) {
    for claim in [24, 255, 256, 65_536, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 1 << 32, 1 << 61, 1 << 63, u64::MAX] {
        let claimed = |major: u8| head(major, claim);
        for (name, raw) in [
            ("the scope's methods", Raw { scope: scope(null(), claimed(ARRAY), null()), ..exp() }),
            ("the length of the tid", Raw { tid: claimed(TEXT), ..exp() }),
            ("the length of the kid", Raw { kid: claimed(TEXT), ..exp() }),
            ("the length of the prefix", Raw { scope: scope(claimed(TEXT), wide_methods(), null()), ..exp() }),
            ("the entries of the scope", Raw { scope: claimed(MAP), ..exp() }),
            ("the entries of a caveat", Raw::with(&[claimed(MAP)])),
            ("the methods of a caveat", Raw::with(&[caveat("Method", claimed(ARRAY))])),
            ("the length of an audience", Raw::with(&[caveat("Aud", claimed(TEXT))])),
            ("the entries of a rate", Raw::with(&[caveat("Rate", claimed(MAP))])),
            ("the items of a value", around(claimed(ARRAY))),
            ("the items of values in each other", around(claimed(ARRAY).repeat(30))),
            ("the entries of a value", around(claimed(MAP))),
            ("the length of a value", around(claimed(TEXT))),
            ("the bytes of a value", around(claimed(BYTES))),
            ("a value before its name", {
                Raw::with(&[[&[0xa2][..], &text("v"), &claimed(ARRAY).repeat(100)].concat()])
            }),
        ] {
            usual.fails(30, format!("{name}: {claim}"), raw.token(), CBOR);
        }
        let mac = exp().token_with(&claimed(BYTES));
        usual.fails(30, format!("the length of the MAC: {claim}"), mac, CBOR);
        let entries = [claimed(MAP), inside(&exp().entries())].concat();
        usual.fails(30, format!("the entries of the token: {claim}"), base64url(&entries), CBOR);
        let caveats = Raw::with(&[]).up_to_caveats(&claimed(ARRAY));
        usual.fails(30, format!("the caveats: {claim}"), caveats, if claim > 64 { AuthError::Bounds } else { CBOR });
    }

    let caveats = |count: usize| Raw::with(&vec![caveat("Exp", uint(u64::MAX)); count]);
    usual.allows(32, "64 caveats", caveats(64).token(), &wide());
    usual.fails(32, "65 caveats", caveats(65).token(), AuthError::Bounds);
    usual.fails(32, "100 caveats", caveats(100).token(), AuthError::Bounds);

    let many = head(ARRAY, 65);
    for (name, rest) in [("nothing", vec![]), ("garbage", vec![0xff; 40]), ("a caveat", caveat("exp", null()))] {
        let token = Raw::with(&[]).up_to_caveats(&[many.clone(), rest].concat());
        usual.fails(33, format!("65 caveats announced, then {name}"), token, AuthError::Bounds);
    }
    let mut unknown = caveats(65);
    unknown.kid = text("gone");
    usual.fails(33, "65 caveats, and an unknown key id", unknown.token(), AuthError::Bounds);
    usual.fails(33, "65 caveats, and a wrong MAC", caveats(65).token_with(&bytes(&[7; 32])), AuthError::Bounds);
    usual.fails(33, "64 announced, then nothing", Raw::with(&[]).up_to_caveats(&head(ARRAY, 64)), CBOR);
    for (name, head) in [
        ("in three bytes", head_in(2, ARRAY, 65)),
        ("in five bytes", head_in(4, ARRAY, 65)),
        ("in nine bytes", head_in(8, ARRAY, 65)),
        ("as a map", head(MAP, 65)),
        ("as a byte string", head(BYTES, 65)),
        ("as a number", uint(65)),
        ("behind a tag", tagged(1, &many)),
        ("by a reserved head", vec![0x9c, 65]),
        ("cut within the head", vec![0x99]),
    ] {
        usual.fails(33, format!("65 caveats announced {name}"), Raw::with(&[]).up_to_caveats(&head), CBOR);
    }
    for (name, raw) in [
        ("the tid has a long head", Raw { tid: [&[0x78, 4][..], b"acme"].concat(), ..exp() }),
        ("the tid is a byte string", Raw { tid: bytes(b"acme"), ..exp() }),
        ("the kid is not UTF-8", Raw { kid: text_of(b"k\xff"), ..exp() }),
        ("the kid is null", Raw { kid: null(), ..exp() }),
        ("the scope is an array", Raw { scope: array(&[null(), array(&[]), null()]), ..exp() }),
        ("the scope is indefinite", Raw { scope: [&[0xbf][..], &exp().scope[1..], &[BREAK]].concat(), ..exp() }),
        ("the prefix is undefined", Raw { scope: scope(undefined(), wide_methods(), null()), ..exp() }),
        ("the methods are no texts", Raw { scope: scope(null(), array(&[uint(1)]), null()), ..exp() }),
        ("max_bytes is a float", Raw { scope: scope(null(), wide_methods(), half(0)), ..exp() }),
        ("the scope is tagged", Raw { scope: tagged(55_799, &exp().scope), ..exp() }),
    ] {
        for head in [many.clone(), head(ARRAY, u64::MAX)] {
            usual.fails(33, format!("too many caveats announced where {name}"), raw.up_to_caveats(&head), CBOR);
        }
    }
    let entries = exp().entries();
    let too_many = [text("caveats"), many].concat();
    for (name, cbor) in [
        ("the token has six entries", [&[0xa6][..], &inside(&entries[..3]), &too_many].concat()),
        ("the token is indefinite", [&[0xbf][..], &inside(&entries[..3]), &too_many].concat()),
        ("tid and kid are swapped", {
            [&[0xa5][..], &inside(&[entries[1].clone(), entries[0].clone(), entries[2].clone()]), &too_many].concat()
        }),
        ("the scope is missing", [&[0xa5][..], &inside(&entries[..2]), &too_many].concat()),
        ("they come first", [&[0xa5][..], &too_many].concat()),
    ] {
        usual.fails(33, format!("too many caveats announced where {name}"), base64url(&cbor), CBOR);
    }
}

fn other_counts(settings: &mut Vec<Setting>) {
    let caveats = |count: usize| Raw::with(&vec![caveat("Exp", uint(u64::MAX)); count]);
    for max_caveats in [0, 1, 23, 24, 256] {
        let bounded = config_with(|config| (config.max_caveats, config.max_token_bytes) = (max_caveats, 1 << 20));
        let mut setting = Setting::new(format!("max_caveats {max_caveats}"), bounded, ctx());
        setting.allows(32, "as many", caveats(max_caveats).token(), &wide());
        setting.fails(32, "one more", caveats(max_caveats + 1).token(), AuthError::Bounds);
        setting.fails(32, "all there can be", Raw::with(&[]).up_to_caveats(&head(ARRAY, u64::MAX)), AuthError::Bounds);
        settings.push(setting);
    }
    let unbounded = config_with(|config| config.max_caveats = usize::MAX);
    let mut unbounded = Setting::new("max_caveats usize::MAX", unbounded, ctx());
    unbounded.allows(32, "200 caveats", caveats(200).token(), &wide());
    for announced in [201, 1 << 16, 1 << 31, u64::from(u32::MAX)] {
        let token = Raw::with(&[]).up_to_caveats(&[head(ARRAY, announced), caveats(1).caveats.concat()].concat());
        unbounded.fails(32, format!("{announced} announced, one there"), token, CBOR);
    }
    settings.push(unbounded);
}
