//! Tokens by hand: of any items, right or wrong, with the MAC that belongs to them or another.

use std::borrow::Cow;

use ron_auth_core::{CapabilityBuilder, Caveat, KeyName, MacKey, MacKeyProvider, Scope};

use super::NOW_UNIX_S;
use super::cbor::{Item, array, bool, bytes, head, inside, map, null, text, uint};

/// A token's parts, each as it is to be written.
#[derive(Clone)]
pub struct Raw {
    pub tid: Item,
    pub kid: Item,
    pub scope: Item,
    pub caveats: Vec<Item>,
}

impl Raw {
    /// Of tenant namespace `acme` and key id `k1`, with a scope that grants the usual request.
    pub fn with(caveats: &[Item]) -> Self {
        Self {
            tid: text("acme"),
            kid: text("k1"),
            scope: scope(null(), wide_methods(), null()),
            caveats: caveats.to_vec(),
        }
    }

    /// With one caveat of every kind, all of which hold for the usual request, and numbers of every width.
    pub fn with_every_caveat() -> Self {
        let value = map(&[
            (uint(24), array(&[bool(true), null(), vec![0xf9, 0x3e, 0x00]])),
            (vec![0x20], map(&[])),
            (bytes(&[0]), uint(u64::MAX)),
            (text("é"), text("a text that is longer than 23 bytes")),
        ]);
        let rate = map(&[(text("per_s"), uint(2)), (text("burst"), uint(200))]);
        let mut raw = Self::with(&[
            caveat("Exp", uint(NOW_UNIX_S + 600)),
            caveat("Nbf", uint(1)),
            caveat("Aud", text("us")),
            caveat("Method", array(&[text("GET"), text("X-PURGE")])),
            caveat("PathPrefix", text("/index")),
            caveat("IpCidr", text("10.0.0.0/8")),
            caveat("BytesLe", uint(1024)),
            caveat("Rate", rate),
            caveat("Tenant", text("acme")),
            caveat("Amnesia", bool(false)),
            caveat("GovPolicyDigest", text("00ff")),
            caveat("Custom", custom("any", "n", value)),
        ]);
        raw.scope = scope(text("/"), wide_methods(), uint(1 << 40));
        raw
    }

    /// The chain of docs/WIRE.md over the items as they are written, under this key: the tag of each step.
    pub fn tags(&self, key: &[u8; 32]) -> Vec<[u8; 32]> {
        let step = |message: &[&[u8]]| *blake3::keyed_hash(key, &message.concat()).as_bytes();
        let mut tags = vec![step(&[&[0x83], &self.tid, &self.kid, &self.scope])];
        for caveat in &self.caveats {
            let last = tags[tags.len() - 1];
            tags.push(step(&[&last, caveat]));
        }
        tags
    }

    /// The last tag under the key of `acme` and `k1`.
    pub fn mac(&self) -> [u8; 32] {
        let tags = self.tags(&key("acme", "k1"));
        tags[tags.len() - 1]
    }

    /// The keys and values of the token's map, in their order, with the MAC that belongs to them.
    pub fn entries(&self) -> Vec<(Item, Item)> {
        self.entries_with(&bytes(&self.mac()))
    }

    fn entries_with(&self, mac: &[u8]) -> Vec<(Item, Item)> {
        vec![
            (text("tid"), self.tid.clone()),
            (text("kid"), self.kid.clone()),
            (text("scope"), self.scope.clone()),
            (text("caveats"), array(&self.caveats)),
            (text("mac"), mac.to_vec()),
        ]
    }

    /// The CBOR, with the MAC that belongs to it.
    pub fn cbor(&self) -> Item {
        map(&self.entries())
    }

    /// The token, with the MAC that belongs to it.
    pub fn token(&self) -> String {
        base64url(&self.cbor())
    }

    /// The token, with any item in the MAC's place.
    pub fn token_with(&self, mac: &[u8]) -> String {
        base64url(&map(&self.entries_with(mac)))
    }

    /// All up to the head of the caveat array, and then this.
    pub fn up_to_caveats(&self, rest: &[u8]) -> String {
        let entries =
            [(text("tid"), self.tid.clone()), (text("kid"), self.kid.clone()), (text("scope"), self.scope.clone())];
        base64url(&[&[0xa5][..], &inside(&entries), &text("caveats"), rest].concat())
    }

    /// The token with `removed` bytes of its CBOR replaced: under the MAC of what it was, which is the right one to who
    /// reads leniently, and under the MAC that belongs to the bytes as they are now.
    pub fn edited(&self, at: usize, removed: usize, inserted: &[u8]) -> Vec<String> {
        let mut tokens = vec![base64url(&spliced(&self.cbor(), at, removed, inserted))];
        let mut edited = self.clone();
        let caveats_head = head(super::cbor::ARRAY, self.caveats.len() as u64).len();
        let gaps = [5, 4, 6, 8 + caveats_head];
        let Raw { tid, kid, scope, caveats } = &mut edited;
        let mut start = 0;
        let mut items = [tid, kid, scope].into_iter().chain(caveats).enumerate();
        let signed = items.any(|(index, item)| {
            start += gaps.get(index).unwrap_or(&0);
            let own = start..start + item.len();
            start = own.end;
            let within = own.contains(&at);
            if within {
                *item = spliced(item, at - own.start, removed, inserted);
            }
            within
        });
        drop(items);
        if signed {
            tokens.push(edited.token());
        }
        tokens
    }
}

fn spliced(of: &[u8], at: usize, removed: usize, inserted: &[u8]) -> Vec<u8> {
    [&of[..at], inserted, &of[at + removed..]].concat()
}

pub fn wide_methods() -> Item {
    array(&[text("GET"), text("POST")])
}

pub fn scope(prefix: Item, methods: Item, max_bytes: Item) -> Item {
    map(&[(text("prefix"), prefix), (text("methods"), methods), (text("max_bytes"), max_bytes)])
}

pub fn caveat(name: &str, value: Item) -> Item {
    map(&[(text("t"), text(name)), (text("v"), value)])
}

/// The value of a `Custom` caveat.
pub fn custom(ns: &str, name: &str, cbor: Item) -> Item {
    map(&[(text("ns"), text(ns)), (text("name"), text(name)), (text("cbor"), cbor)])
}

/// A token with one custom caveat that holds `value`. Its handler asks for nothing.
pub fn around(value: Item) -> Raw {
    Raw::with(&[caveat("Custom", custom("any", "", value))])
}

/// A scope that grants the usual request, whatever its path and length.
pub fn wide() -> Scope {
    Scope { prefix: None, methods: vec![Cow::Borrowed("GET"), Cow::Borrowed("POST")], max_bytes: None }
}

/// A token minted for `acme` with key `k1`.
pub fn minted(scope: &Scope, caveats: impl IntoIterator<Item = Caveat>) -> String {
    minted_for("acme", "k1", scope, caveats)
}

pub fn minted_for(tid: &str, kid: &str, scope: &Scope, caveats: impl IntoIterator<Item = Caveat>) -> String {
    let builder = CapabilityBuilder::new(tid, kid, scope.clone()).caveats(caveats);
    builder.sign(&MacKey::new(key(tid, kid))).unwrap().to_base64url()
}

/// Every key id that is empty or begins with `k` is known, in every tenant but `nobody`.
pub struct Keys;

impl MacKeyProvider for Keys {
    fn key_for(&self, KeyName { tid, kid }: KeyName<'_>) -> Option<MacKey> {
        let known = tid != "nobody" && (kid.is_empty() || kid.starts_with('k'));
        known.then(|| MacKey::new(key(tid, kid)))
    }
}

pub fn key(tid: &str, kid: &str) -> [u8; 32] {
    *blake3::hash(format!("{} {tid} {kid}", tid.len()).as_bytes()).as_bytes()
}

pub fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let mut group = [0; 4];
        group[1..=chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes(group);
        for place in 0..=chunk.len() {
            text.push(char::from(ALPHABET[(bits >> (18 - 6 * place) & 63) as usize]));
        }
    }
    text
}

/// The bytes of a text that is good Base64URL.
pub fn from_base64url(text: &str) -> Vec<u8> {
    let digit = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'-' => 62,
        _ => 63,
    };
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 3);
    for group in text.as_bytes().chunks(4) {
        let bits = group.iter().enumerate().fold(0, |bits, (at, c)| bits | u32::from(digit(*c)) << (18 - 6 * at));
        bytes.extend(&bits.to_be_bytes()[1..group.len()]);
    }
    bytes
}
