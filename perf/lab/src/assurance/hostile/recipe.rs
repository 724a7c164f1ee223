//! Ways to fill a token of a given length.

use std::borrow::Cow;

use base64_simd::URL_SAFE_NO_PAD;
use ron_auth_core::{Capability, CapabilityBuilder, Caveat, Rate, Scope, VerifierConfig, wire};
use serde::{Deserialize, Serialize};

use super::{TENANT, key};

/// A token that is being put together.
#[derive(Clone, Debug)]
pub struct Draft {
    kid: String,
    scope: Scope,
    caveats: Vec<Caveat>,
}

impl Draft {
    /// Begins a token without caveats.
    #[must_use]
    pub fn new(serial: u32) -> Self {
        Self { kid: format!("{serial:03}"), scope: Scope::new("/index/", ["GET"]), caveats: Vec::new() }
    }

    /// Length of the token in bytes of CBOR.
    fn cbor_len(&self) -> usize {
        self.capability().map_or(0, |capability| capability.to_cbor().len())
    }

    fn capability(&self) -> Option<Capability> {
        let Self { kid, scope, caveats } = self.clone();
        CapabilityBuilder::new(TENANT, kid, scope).caveats(caveats).sign(&key()).ok()
    }

    /// Adds the caveats `make(0)`, `make(1)` and so on, as long as there is room and there are fewer than `most`.
    pub fn fill_with(&mut self, cbor_bytes: usize, most: usize, make: impl Fn(usize) -> Option<Caveat>) {
        // The head of the caveat array may grow by two bytes.
        let mut room = cbor_bytes.saturating_sub(self.cbor_len() + 2);
        let mut encoded = Vec::new();
        while self.caveats.len() < most {
            let Some(caveat) = make(self.caveats.len()) else { return };
            encoded.clear();
            wire::encode_caveat(&caveat, &mut encoded);
            let Some(left) = room.checked_sub(encoded.len()) else { return };
            room = left;
            self.caveats.push(caveat);
        }
    }

    /// Lengthens the key id to make the token this long, or a byte shorter if the head of the key id jumps over that
    /// length. `None` if the token is longer already.
    pub fn pad_key_id(&mut self, cbor_bytes: usize) -> Option<()> {
        let missing = cbor_bytes.checked_sub(self.cbor_len())?;
        self.kid.extend(std::iter::repeat_n('k', missing));
        while self.cbor_len() > cbor_bytes {
            self.kid.pop()?;
        }
        Some(())
    }

    /// Signs the token and returns its text; `None` if a custom value is not canonical CBOR.
    #[must_use]
    pub fn sign(&self) -> Option<String> {
        Some(self.capability()?.to_base64url())
    }
}

/// One kind of caveat to repeat. Some hold, some don't: a refusal has to be noted, and may name what it refused.
#[derive(Clone, Copy)]
pub struct Unit {
    /// Name of the unit.
    pub name: &'static str,
    make: fn(usize) -> Caveat,
}

fn text(len: usize) -> String {
    "x".repeat(len)
}

fn custom(ns: &str, name: &str, cbor: Vec<u8>) -> Caveat {
    Caveat::Custom { ns: ns.into(), name: name.into(), cbor }
}

/// `depth` arrays, each within the one before.
fn nested(depth: usize) -> Vec<u8> {
    let mut cbor = vec![0x81; depth - 1];
    cbor.push(0x80);
    cbor
}

/// All units. A caveat of 33, 97 or 161 bytes makes a message of 65, 129 or 193: a byte more than whole blocks.
pub const UNITS: [Unit; 32] = [
    Unit { name: "Nbf, ten bytes", make: |_| Caveat::Nbf(0) },
    Unit { name: "Exp of nine bytes", make: |index| Caveat::Exp(u64::MAX - index as u64) },
    Unit { name: "Amnesia", make: |_| Caveat::Amnesia(false) },
    Unit { name: "Amnesia that denies", make: |_| Caveat::Amnesia(true) },
    Unit { name: "empty Aud", make: |_| Caveat::Aud(String::new()) },
    Unit { name: "Aud, 33 bytes", make: |_| Caveat::Aud(text(23)) },
    Unit { name: "Aud, 97 bytes", make: |_| Caveat::Aud(text(86)) },
    Unit { name: "Aud, 161 bytes", make: |_| Caveat::Aud(text(150)) },
    Unit { name: "Aud beyond ASCII", make: |_| Caveat::Aud("é".repeat(11)) },
    Unit { name: "Aud of long characters", make: |_| Caveat::Aud("\u{10FFFF}".repeat(20)) },
    Unit { name: "empty policy digest", make: |_| Caveat::GovPolicyDigest(String::new()) },
    Unit { name: "Tenant that denies", make: |_| Caveat::Tenant(String::new()) },
    Unit { name: "no methods", make: |_| Caveat::Method(Vec::new()) },
    Unit { name: "20 empty methods", make: |_| Caveat::methods([""; 20]) },
    Unit { name: "200 empty methods", make: |_| Caveat::methods([""; 200]) },
    Unit { name: "12 methods of other case", make: |_| Caveat::methods(["geT", "gEt", "GeX", "GEX"].repeat(3)) },
    Unit { name: "PathPrefix that holds", make: |_| Caveat::PathPrefix("/".into()) },
    Unit { name: "PathPrefix that denies", make: |_| Caveat::PathPrefix("/index/docs/4".into()) },
    Unit { name: "long IPv6 nets", make: |index| Caveat::IpCidr(net(index, true)) },
    Unit { name: "long IPv6 nets that deny", make: |index| Caveat::IpCidr(net(index, false)) },
    Unit { name: "one long IPv6 net", make: |_| Caveat::IpCidr(net(0, true)) },
    Unit { name: "IPv4 nets", make: |index| Caveat::IpCidr(format!("{}.200.100.0/24", 100 + index % 100)) },
    Unit { name: "nets misspelt at the end", make: |index| Caveat::IpCidr(format!("{}x", net(index, true))) },
    Unit { name: "BytesLe that denies", make: |_| Caveat::BytesLe(0) },
    Unit { name: "Rate", make: |index| Caveat::Rate(Rate { per_s: index as u32, burst: 0 }) },
    Unit { name: "custom, unhandled", make: |_| custom("", "", vec![0xf6]) },
    Unit { name: "custom, unhandled, long names", make: |_| custom(&text(40), &text(40), vec![0xf6]) },
    Unit { name: "custom, 32 arrays deep", make: |_| custom("", "", nested(32)) },
    Unit { name: "custom, map of 12", make: |_| custom("", "", small_map(12)) },
    Unit { name: "custom, 100 zeros", make: |_| custom("", "", items(100, &[0])) },
    Unit { name: "custom, 30 half floats", make: |_| custom("", "", items(30, &[0xf9, 0x3c, 0x01])) },
    Unit { name: "custom, 12 double floats", make: |_| custom("", "", items(12, &DOUBLE)) },
];

/// The number 1.1, which no shorter float holds.
const DOUBLE: [u8; 9] = [0xfb, 0x3f, 0xf1, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9a];

/// A net in 43 or 44 characters, another one for each index, and without repetition within a token.
fn net(index: usize, holds: bool) -> String {
    if holds {
        // Longer and longer parts of the peer's address.
        let bits = 127 - index as u32 % 64;
        let address = u128::from(super::PEER) & (u128::MAX << (128 - bits));
        format!("{}/{bits}", std::net::Ipv6Addr::from(address))
    } else {
        format!("fd00:1111:2222:3333:4444:5555:{:x}:8880/124", 0x1000 + index)
    }
}

fn items(count: usize, item: &[u8]) -> Vec<u8> {
    let mut cbor = Vec::new();
    wire::encode_array_head(count, &mut cbor);
    cbor.extend(item.repeat(count));
    cbor
}

/// A map of integers up to 23, each to null.
fn small_map(entries: u8) -> Vec<u8> {
    std::iter::once(0xa0 | entries).chain((0..entries).flat_map(|key| [key, 0xf6])).collect()
}

/// A way to use the bytes that caveats leave.
#[derive(Clone, Copy)]
pub struct Filler {
    /// Name of the filler.
    pub name: &'static str,
    put: fn(&mut Draft, usize),
}

/// All fillers, each of which makes about as many bytes as it is asked for.
pub const FILLERS: [Filler; 11] = [
    Filler { name: "key id", put: |_, _| {} },
    Filler { name: "key id beyond ASCII", put: |draft, bytes| draft.kid.push_str(&"é".repeat(bytes / 2)) },
    Filler { name: "prefix of the scope", put: |draft, bytes| draft.scope.prefix = Some(format!("/{}", text(bytes))) },
    Filler { name: "empty methods of the scope", put: |draft, bytes| draft.scope.methods = methods("", bytes) },
    Filler { name: "methods of the scope", put: |draft, bytes| draft.scope.methods = methods("GEX", bytes / 4) },
    Filler {
        name: "letters as methods of the scope",
        put: |draft, bytes| draft.scope.methods = methods("G", bytes / 2),
    },
    Filler { name: "an audience", put: |draft, bytes| draft.put(Caveat::Aud(text(bytes))) },
    Filler { name: "a custom array of zeros", put: |draft, bytes| draft.put(custom("", "", items(bytes, &[0]))) },
    Filler {
        name: "custom arrays 31 deep",
        put: |draft, bytes| draft.put(custom("", "", items(bytes / 31, &nested(31)))),
    },
    Filler {
        name: "a custom array of small maps",
        put: |draft, bytes| {
            draft.put(custom("", "", items(bytes / 5, &small_map(2))));
        },
    },
    Filler { name: "a custom map", put: |draft, bytes| draft.put(custom("", "", text_map(bytes / 4))) },
];

fn methods(name: &'static str, count: usize) -> Vec<Cow<'static, str>> {
    vec![Cow::Borrowed(name); count]
}

/// A map of texts of two letters, each to null.
fn text_map(entries: usize) -> Vec<u8> {
    let keys: Vec<[u8; 2]> =
        (b'!'..=b'~').flat_map(|first| (b'!'..=b'~').map(move |second| [first, second])).take(entries).collect();
    let mut cbor = Vec::new();
    wire::encode_array_head(keys.len(), &mut cbor);
    if let Some(head) = cbor.first_mut() {
        // From an array's head to a map's.
        *head += 0x20;
    }
    cbor.extend(keys.iter().flat_map(|[first, second]| [0x62, *first, *second, 0xf6]));
    cbor
}

impl Draft {
    /// Adds a caveat, in place of the last one if there are as many as the default settings allow.
    fn put(&mut self, caveat: Caveat) {
        self.caveats.truncate(VerifierConfig::default().max_caveats - 1);
        self.caveats.push(caveat);
    }
}

/// Damage that is done to the finished token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Damage {
    /// No damage.
    None,
    /// One bit of the MAC is flipped.
    Mac,
    /// The last byte is missing, so that it is not a token any more.
    Cut,
    /// The last character is not one of Base64URL.
    Character,
}

impl Damage {
    /// All kinds of damage.
    pub const ALL: [Self; 4] = [Self::None, Self::Mac, Self::Cut, Self::Character];

    fn of(self, text: String) -> String {
        let cbor = |text: &str| URL_SAFE_NO_PAD.decode_to_vec(text).unwrap_or_default();
        match self {
            Self::None => text,
            Self::Mac => {
                let mut cbor = cbor(&text);
                if let Some(last) = cbor.last_mut() {
                    *last ^= 1;
                }
                URL_SAFE_NO_PAD.encode_to_string(cbor)
            }
            Self::Cut => {
                let mut cbor = cbor(&text);
                cbor.pop();
                URL_SAFE_NO_PAD.encode_to_string(cbor)
            }
            Self::Character => {
                let mut text = text;
                text.pop();
                text.push('!');
                text
            }
        }
    }
}

/// How a token is filled: with units in turn, up to 64 caveats, then with the filler. It is written down for processes
/// of this very program, which have the same lists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRecipe {
    /// Indices into [`UNITS`].
    pub units: Vec<usize>,
    /// Index into [`FILLERS`].
    pub filler: usize,
    /// Damage that is done to the finished token.
    pub damage: Damage,
}

impl TokenRecipe {
    /// Makes a token of `cbor_bytes` bytes, or up to three bytes fewer; `None` if it would be longer. Tokens of
    /// different `serial`s differ.
    #[must_use]
    pub fn token(&self, cbor_bytes: usize, serial: u32) -> Option<String> {
        let mut draft = Draft::new(serial);
        let most = VerifierConfig::default().max_caveats;
        draft.fill_with(cbor_bytes, most, |index| {
            // Taken in turn; each kind is told how many there were before.
            let unit = self.units.get(index % self.units.len().max(1))?;
            UNITS.get(*unit).map(|unit| (unit.make)(index + serial as usize))
        });
        let filler = FILLERS.get(self.filler)?;
        let room = cbor_bytes.checked_sub(draft.cbor_len())?;
        // What a filler takes beside its own bytes, heads and names, is found by trying.
        let filled = (0..=room.min(64)).find_map(|less| {
            let mut filled = draft.clone();
            (filler.put)(&mut filled, room - less);
            (filled.cbor_len() <= cbor_bytes).then_some(filled)
        });
        let mut draft = filled.unwrap_or(draft);
        draft.pad_key_id(cbor_bytes)?;
        Some(self.damage.of(draft.sign()?))
    }

    /// The recipe in words.
    #[must_use]
    pub fn describe(&self) -> String {
        let units: Vec<&str> = self.units.iter().filter_map(|unit| UNITS.get(*unit)).map(|unit| unit.name).collect();
        let filler = FILLERS.get(self.filler).map_or("", |filler| filler.name);
        let damage = match self.damage {
            Damage::None => "",
            Damage::Mac => "; MAC wrong",
            Damage::Cut => "; a byte short",
            Damage::Character => "; last character wrong",
        };
        format!("{}; rest: {filler}{damage}", if units.is_empty() { "no caveats".into() } else { units.join(" + ") })
    }
}

#[cfg(test)]
mod tests {
    use ron_auth_catalogue::find;
    use ron_auth_core::{AuthError, Malformed};

    use super::*;
    use crate::assurance::hostile::{LENGTHS, ordinary, request, settings};

    fn cbor_len(text: &str) -> usize {
        URL_SAFE_NO_PAD.decode_to_vec(text).unwrap().len()
    }

    #[test]
    fn every_recipe_gives_a_token_of_its_length_that_comes_to_what_its_damage_says() {
        let plain = find("plain").unwrap().build();
        let verify = |text: &str| plain.verify_token(&settings(), text, &request(), &key());
        for bytes in LENGTHS {
            let units = (0..UNITS.len()).map(|unit| (unit, 0)).chain((0..FILLERS.len()).map(|filler| (0, filler)));
            for (unit, filler) in units {
                let recipe = TokenRecipe { units: vec![unit], filler, damage: Damage::None };
                let what = format!("{bytes}: {}", recipe.describe());
                let text = recipe.token(bytes, 7).unwrap();
                assert!((bytes - 3..=bytes).contains(&cbor_len(&text)), "{what}: {}", cbor_len(&text));
                assert!(verify(&text).is_ok(), "{what}: {:?}", verify(&text));
                assert_ne!(recipe.token(bytes, 8).unwrap(), text, "{what}");
                let damaged = |damage| TokenRecipe { damage, ..recipe.clone() }.token(bytes, 7).unwrap();
                assert_eq!(verify(&damaged(Damage::Mac)), Err(AuthError::MacMismatch), "{what}");
                assert_eq!(verify(&damaged(Damage::Cut)), Err(AuthError::Malformed(Malformed::Cbor)), "{what}");
                assert_eq!(verify(&damaged(Damage::Character)), Err(AuthError::Malformed(Malformed::Base64)), "{what}");
            }
        }
    }

    #[test]
    fn an_ordinary_token_is_allowed_and_as_long_as_was_asked_for() {
        let plain = find("plain").unwrap().build();
        let mut config = settings();
        config.max_caveats = usize::MAX;
        for bytes in LENGTHS {
            let text = ordinary(bytes, 1).unwrap();
            assert!((bytes - 1..=bytes).contains(&cbor_len(&text)), "{bytes}: {}", cbor_len(&text));
            let decision = plain.verify_token(&config, &text, &request(), &key());
            assert!(decision.as_ref().is_ok_and(|decision| decision.is_allow()), "{bytes}: {decision:?}");
        }
        assert_eq!(ordinary(60, 1), None);
    }

    #[test]
    fn nets_are_canonical_and_differ_within_a_token() {
        for holds in [true, false] {
            let nets: Vec<String> = (0..64).map(|index| net(index, holds)).collect();
            let distinct: std::collections::HashSet<&String> = nets.iter().collect();
            assert_eq!(distinct.len(), 64);
            for text in &nets {
                let parsed: ipnet::Ipv6Net = text.parse().unwrap();
                assert_eq!((parsed.to_string(), parsed.trunc()), (text.clone(), parsed));
                assert_eq!(parsed.contains(&super::super::PEER), holds, "{text}");
            }
        }
    }
}
