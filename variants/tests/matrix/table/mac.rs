//! Classes 34 to 40, and 69: the MAC, and the key that it is checked with.

use ron_auth_core::{AuthError, Caveat};

use super::cbor::{Item, bytes, null, text, uint};
use super::token::{Raw, caveat, custom, key, minted, minted_for, scope, wide, wide_methods};
use super::{NOW_UNIX_S, Setting};

pub fn fill(usual: &mut Setting) {
    other_macs(usual);
    other_contents(usual);
    other_keys(usual);
    handlers(usual);
}

fn raw() -> Raw {
    Raw::with(&[caveat("Exp", uint(NOW_UNIX_S + 600)), caveat("Aud", text("us")), caveat("Tenant", text("acme"))])
}

fn other_macs(usual: &mut Setting) {
    let raw = raw();
    let mac = raw.mac();
    let mut with = |class: usize, name: String, mac: [u8; 32]| {
        usual.fails(class, name, raw.token_with(&bytes(&mac)), AuthError::MacMismatch);
    };
    for bit in 0..256 {
        let mut flipped = mac;
        flipped[bit / 8] ^= 1 << (bit % 8);
        with(34, format!("bit {bit} flipped"), flipped);
    }
    for byte in [0x00, 0xff, 0x01, 0x80, 0xa5] {
        with(35, format!("{byte:02x} thirty-two times"), [byte; 32]);
    }
    for (index, half) in [(0, 0..16), (1, 16..32)] {
        let mut zeroed = mac;
        zeroed[half].fill(0);
        with(35, format!("half {index} zero"), zeroed);
    }

    let own = key("acme", "k1");
    let tags = raw.tags(&own);
    for (step, tag) in tags[..tags.len() - 1].iter().enumerate() {
        with(38, format!("the tag of step {step}"), *tag);
    }
    let mut reversed = mac;
    reversed.reverse();
    let message = [&tags[2][..], &raw.caveats[2]].concat();
    let head = [&[0x83][..], &raw.tid, &raw.kid, &raw.scope].concat();
    for (name, other) in [
        ("the key itself", own),
        ("the complement", mac.map(|byte| !byte)),
        ("its bytes reversed", reversed),
        ("a hash of the last message without the key", *blake3::hash(&message).as_bytes()),
        ("a hash of the token", *blake3::hash(&raw.cbor()).as_bytes()),
        ("a keyed hash of all items at once", {
            *blake3::keyed_hash(&own, &[head.clone(), raw.caveats.concat()].concat()).as_bytes()
        }),
        ("a keyed hash without the head", *blake3::keyed_hash(&own, &raw.caveats.concat()).as_bytes()),
        ("a keyed hash of nothing", *blake3::keyed_hash(&own, &[]).as_bytes()),
        ("one step more", *blake3::keyed_hash(&own, &mac).as_bytes()),
        ("the chain without the array's head", {
            let first = *blake3::keyed_hash(&own, &head[1..]).as_bytes();
            raw.caveats
                .iter()
                .fold(first, |tag, caveat| *blake3::keyed_hash(&own, &[&tag[..], caveat].concat()).as_bytes())
        }),
        ("a derived key's", *blake3::keyed_hash(&blake3::derive_key("ron-auth", &own), &message).as_bytes()),
        ("another token's", Raw::with(&[]).mac()),
    ] {
        with(38, name.to_owned(), other);
    }
}

/// Content that was changed under the MAC of what it was.
fn other_contents(usual: &mut Setting) {
    let raw = raw();
    let mac = bytes(&raw.mac());
    let mut changed = |name: &str, change: &dyn Fn(&mut Raw)| {
        let mut other = raw.clone();
        change(&mut other);
        usual.fails(37, name, other.token_with(&mac), AuthError::MacMismatch);
    };
    for index in 0..3 {
        changed(&format!("caveat {index} removed"), &|raw| {
            raw.caveats.remove(index);
        });
        changed(&format!("caveat {index} doubled"), &|raw| raw.caveats.insert(index, raw.caveats[index].clone()));
        changed(&format!("caveat {index} again at the end"), &|raw| raw.caveats.push(raw.caveats[index].clone()));
        changed(&format!("caveats {index} and the next swapped"), &|raw| raw.caveats.swap(index, (index + 1) % 3));
        changed(&format!("a caveat added before caveat {index}"), &|raw| {
            raw.caveats.insert(index, caveat("Nbf", uint(0)));
        });
    }
    changed("all caveats removed", &|raw| raw.caveats.clear());
    changed("all but the last removed", &|raw| drop(raw.caveats.drain(..2)));
    changed("a caveat added at the end", &|raw| raw.caveats.push(caveat("Nbf", uint(0))));
    changed("a later expiry", &|raw| raw.caveats[0] = caveat("Exp", uint(NOW_UNIX_S + 601)));
    changed("an expiry as a beginning", &|raw| raw.caveats[0] = caveat("Nbf", uint(NOW_UNIX_S - 600)));
    changed("another audience of the same length", &|raw| raw.caveats[1] = caveat("Aud", text("uS")));
    changed("an audience as a tenant", &|raw| raw.caveats[1] = caveat("Tenant", text("us")));
    changed("a wider scope", &|raw| raw.scope = scope(null(), super::cbor::array(&[]), null()));
    changed("a prefix", &|raw| raw.scope = scope(text("/"), wide_methods(), null()));
    changed("a limit", &|raw| raw.scope = scope(null(), wide_methods(), uint(u64::MAX)));
    changed("another tenant", &|raw| raw.tid = text("other"));
    changed("another key id", &|raw| raw.kid = text("k2"));
    changed("a letter moved from the tid to the kid", &|raw| {
        raw.tid = text("acm");
        raw.kid = text("kek1");
    });
}

fn other_keys(usual: &mut Setting) {
    let raw = raw();
    let under = |key: [u8; 32]| raw.token_with(&bytes(raw.tags(&key).last().unwrap()));
    let mut flipped = key("acme", "k1");
    flipped[31] ^= 1;
    for (name, key) in [
        ("zeros", [0; 32]),
        ("ones", [0xff; 32]),
        ("another key id's", key("acme", "k2")),
        ("another tenant's", key("other", "k1")),
        ("that of the swapped names", key("k1", "acme")),
        ("that of the names run together", key("acmek", "1")),
        ("one bit different", flipped),
    ] {
        usual.fails(36, format!("signed with a key: {name}"), under(key), AuthError::MacMismatch);
    }
    usual.denies(
        69,
        "another tenant's token under its own key",
        minted_for("other", "k1", &wide(), []),
        [super::reasons::tid()],
    );
    usual.allows(69, "another key id of ours", minted_for("acme", "k2", &wide(), []), &wide());

    let of = |tid: &str, kid: &str| Raw { tid: text(tid), kid: text(kid), ..raw.clone() };
    for (name, tid, kid) in [
        ("a key id", "acme", "gone"),
        ("a tenant", "nobody", "k1"),
        ("swapped names", "k1", "acme"),
        ("a key id in upper case", "acme", "K1"),
        ("a key id behind a space", "acme", " k1"),
        ("a key id behind a NUL", "acme", "\0k1"),
        ("a key id behind a mark", "acme", "\u{feff}k1"),
    ] {
        let raw = of(tid, kid);
        usual.fails(39, format!("unknown: {name}"), raw.token(), AuthError::UnknownKid);
        usual.fails(
            39,
            format!("unknown, with a wrong MAC: {name}"),
            raw.token_with(&bytes(&[0; 32])),
            AuthError::UnknownKid,
        );
        let signed = raw.token_with(&bytes(raw.tags(&key(tid, kid)).last().unwrap()));
        usual.fails(39, format!("unknown, under the key that it would have: {name}"), signed, AuthError::UnknownKid);
    }
    // Known, but not by the name that the key belongs to.
    for (name, tid, kid) in [
        ("a space behind the key id", "acme", "k1 "),
        ("a NUL behind the key id", "acme", "k1\0"),
        ("a tenant in upper case", "ACME", "k1"),
        ("a tenant behind a space", " acme", "k1"),
        ("an empty tenant", "", "k1"),
        ("an empty key id", "acme", ""),
        ("a combining accent", "acme", "k1\u{301}"),
    ] {
        let signed = of(tid, kid).tags(&key("acme", "k1"));
        let token = of(tid, kid).token_with(&bytes(signed.last().unwrap()));
        usual.fails(36, format!("signed with our key: {name}"), token, AuthError::MacMismatch);
    }
}

/// Class 53, before the MAC: nobody is asked about a token that nobody signed.
fn handlers(usual: &mut Setting) {
    let asking = |raw: &mut Raw| raw.caveats.push(caveat("Custom", custom("unasked", "", null())));
    let mut unsigned = raw();
    asking(&mut unsigned);
    usual.fails(53, "a wrong MAC", unsigned.token_with(&bytes(&[7; 32])), AuthError::MacMismatch);
    unsigned.kid = text("gone");
    usual.fails(53, "an unknown key id", unsigned.token(), AuthError::UnknownKid);
    let malformed: Item = [&unsigned.cbor()[..], &[0]].concat();
    usual.fails(53, "a byte too many", super::token::base64url(&malformed), super::CBOR);
    for (name, time, error) in [
        ("expired", Caveat::Exp(1), AuthError::Expired),
        ("not yet valid", Caveat::Nbf(u64::MAX), AuthError::NotYetValid),
    ] {
        let unasked = Caveat::Custom { ns: "unasked".into(), name: String::new(), cbor: vec![0xf6] };
        let token = minted(&wide(), [Caveat::Tenant("other".into()), time, unasked]);
        usual.fails(53, format!("{name} before it"), token, error);
    }
}
