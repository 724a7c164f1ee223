//! Reads a token's CBOR item by item, and says of the first one that is not canonical where and why.
//!
//! Whether heads and custom values are canonical is asked of [`wire`]; only if it says no, the reason is looked for.

use std::fmt;
use std::ops::Range;

use super::flaw::{Flaw, FlawKind};
use super::show::{Bytes, Hex, Quoted};
use crate::capability::{Capability, Caveat, Rate, Scope, method_name};
use crate::view::{OwnedToken, Text};
use crate::wire::{self, Head, MAX_NESTING, Major};

/// A token in canonical form.
#[derive(Clone)]
pub(super) struct Read {
    pub(super) token: OwnedToken,
    /// The place of each caveat in the CBOR.
    pub(super) caveat_places: Vec<Range<usize>>,
}

type Outcome<T> = Result<T, Flaw>;

/// Reads a whole token; `text_chars` is the length of the text that it came in.
pub(super) fn read(cbor: &[u8], max_caveats: usize, text_chars: usize) -> Outcome<Read> {
    const KEYS: &[&str] = &["tid", "kid", "scope", "caveats", "mac"];
    let mut reader = Reader { cbor, at: 0, path: Vec::new(), text_chars };
    reader.map_head(KEYS)?;
    let (tid, tid_item) = reader.entry(KEYS, 0, |reader| reader.with_item(Reader::text))?;
    let (kid, kid_item) = reader.entry(KEYS, 1, |reader| reader.with_item(Reader::text))?;
    let (scope, scope_item) = reader.entry(KEYS, 2, |reader| reader.with_item(Reader::scope))?;
    let (caveats, caveat_places) = reader.entry(KEYS, 3, |reader| reader.caveats(max_caveats))?;
    let mac = reader.entry(KEYS, 4, Reader::mac)?;
    let over = cbor.len() - reader.at;
    if over > 0 {
        let found = format!("{} more", Bytes(over));
        return Err(reader.flaw(FlawKind::TrailingBytes, reader.at, found, "the end of the token"));
    }
    let bytes = |place: &Range<usize>| cbor.get(place.clone()).unwrap_or_default().to_vec();
    Ok(Read {
        token: OwnedToken {
            capability: Capability::from_parts(tid, kid, scope, caveats, mac),
            head_items: [&tid_item, &kid_item, &scope_item].map(bytes),
            caveat_items: caveat_places.iter().map(bytes).collect(),
        },
        caveat_places,
    })
}

/// A step of the path to an item.
enum Step {
    Name(&'static str),
    Index(u64),
    /// The key of a custom map, as shown.
    Key(String),
}

struct Reader<'b> {
    cbor: &'b [u8],
    at: usize,
    path: Vec<Step>,
    text_chars: usize,
}

/// The items of a token. Every method reads one and steps over it.
impl<'b> Reader<'b> {
    fn scope(&mut self) -> Outcome<Scope> {
        const KEYS: &[&str] = &["prefix", "methods", "max_bytes"];
        self.map_head(KEYS)?;
        Ok(Scope {
            prefix: self.entry(KEYS, 0, |reader| reader.or_null("a text or null", Self::text_of))?,
            methods: self.entry(KEYS, 1, Self::texts)?.iter().map(|name| method_name(Text::from(&**name))).collect(),
            max_bytes: self.entry(KEYS, 2, |reader| {
                reader.or_null("an unsigned integer or null", |reader, expected| reader.unsigned(expected, u64::MAX))
            })?,
        })
    }

    fn caveats(&mut self, max_caveats: usize) -> Outcome<(Vec<Caveat>, Vec<Range<usize>>)> {
        let start = self.at;
        let announced = self.container(Major::Array, "an array of caveats")?;
        if announced > max_caveats as u64 {
            let found = format!("an array of {announced} caveats");
            let expected = format!("at most {max_caveats} (max_caveats)");
            return Err(self.flaw(FlawKind::TooManyCaveats, start, found, expected));
        }
        let (mut caveats, mut places) = (Vec::new(), Vec::new());
        for index in 0..announced {
            let (caveat, place) = self.within(Step::Index(index), |reader| reader.with_item(Self::caveat))?;
            caveats.push(caveat);
            places.push(place);
        }
        Ok((caveats, places))
    }

    fn caveat(&mut self) -> Outcome<Caveat> {
        const KEYS: &[&str] = &["t", "v"];
        self.map_head(KEYS)?;
        let (kind, place) =
            self.entry(KEYS, 0, |reader| reader.with_item(|reader| reader.text_of("a text, the kind of the caveat")))?;
        let read_value: fn(&mut Self) -> Outcome<Caveat> = match kind.as_str() {
            "Exp" => |reader| reader.number().map(Caveat::Exp),
            "Nbf" => |reader| reader.number().map(Caveat::Nbf),
            "Aud" => |reader| reader.text().map(Caveat::Aud),
            "Method" => |reader| reader.texts().map(Caveat::methods),
            "PathPrefix" => |reader| reader.text().map(Caveat::PathPrefix),
            "IpCidr" => |reader| reader.text().map(Caveat::IpCidr),
            "BytesLe" => |reader| reader.number().map(Caveat::BytesLe),
            "Rate" => Self::rate,
            "Tenant" => |reader| reader.text().map(Caveat::Tenant),
            "Amnesia" => |reader| reader.bool().map(Caveat::Amnesia),
            "GovPolicyDigest" => |reader| reader.text().map(Caveat::GovPolicyDigest),
            "Custom" => Self::custom,
            _ => {
                self.path.push(Step::Name("t"));
                const KINDS: &str = "Exp, Nbf, Aud, Method, PathPrefix, IpCidr, BytesLe, Rate, Tenant, Amnesia, \
                                     GovPolicyDigest or Custom";
                return Err(self.flaw(FlawKind::UnknownCaveat, place.start, Quoted(&kind), KINDS));
            }
        };
        self.entry(KEYS, 1, read_value)
    }

    fn rate(&mut self) -> Outcome<Caveat> {
        const KEYS: &[&str] = &["per_s", "burst"];
        self.map_head(KEYS)?;
        let mut part = |index| -> Outcome<u32> {
            let number = self.entry(KEYS, index, |reader| reader.unsigned("an unsigned integer", u32::MAX.into()))?;
            Ok(u32::try_from(number).unwrap_or(u32::MAX))
        };
        Ok(Caveat::Rate(Rate { per_s: part(0)?, burst: part(1)? }))
    }

    fn custom(&mut self) -> Outcome<Caveat> {
        const KEYS: &[&str] = &["ns", "name", "cbor"];
        self.map_head(KEYS)?;
        let ns = self.entry(KEYS, 0, Self::text)?;
        let name = self.entry(KEYS, 1, Self::text)?;
        let ((), place) = self.entry(KEYS, 2, |reader| reader.with_item(Self::any))?;
        Ok(Caveat::Custom { ns, name, cbor: self.cbor.get(place).unwrap_or_default().to_vec() })
    }

    fn mac(&mut self) -> Outcome<[u8; 32]> {
        const EXPECTED: &str = "a byte string of 32 bytes";
        let start = self.at;
        let head = self.head(EXPECTED)?;
        if head.major != Major::Bytes {
            return Err(self.wrong(head, EXPECTED));
        }
        if head.argument != 32 {
            return Err(self.flaw(FlawKind::MacLength, start, describe(head), EXPECTED));
        }
        let body = self.body(head, EXPECTED)?;
        body.try_into().map_err(|_| self.flaw(FlawKind::MacLength, start, describe(head), EXPECTED))
    }

    fn text(&mut self) -> Outcome<String> {
        self.text_of("a text")
    }

    fn text_of(&mut self, expected: &str) -> Outcome<String> {
        let head = self.head(expected)?;
        if head.major != Major::Text {
            return Err(self.wrong(head, expected));
        }
        let body = self.body(head, expected)?;
        let start = self.at - body.len();
        str::from_utf8(body).map(str::to_owned).map_err(|error| {
            let valid = error.valid_up_to();
            let bytes = body.get(valid..).unwrap_or_default();
            let bytes = bytes.get(..error.error_len().unwrap_or(bytes.len())).unwrap_or_default();
            let found = format!("{} at byte {valid} in a text of {}", Hex(bytes), Bytes(body.len()));
            self.flaw(FlawKind::InvalidUtf8, start + valid, found, "UTF-8")
        })
    }

    fn texts(&mut self) -> Outcome<Vec<String>> {
        let announced = self.container(Major::Array, "an array of texts")?;
        let mut texts = Vec::new();
        for index in 0..announced {
            texts.push(self.within(Step::Index(index), Self::text)?);
        }
        Ok(texts)
    }

    fn number(&mut self) -> Outcome<u64> {
        self.unsigned("an unsigned integer", u64::MAX)
    }

    fn unsigned(&mut self, expected: &str, max: u64) -> Outcome<u64> {
        let head = self.head(expected)?;
        if head.major != Major::Unsigned {
            return Err(self.wrong(head, expected));
        }
        if head.argument > max {
            return Err(self.flaw(FlawKind::NumberTooLarge, self.at, head.argument, format!("at most {max}")));
        }
        self.at += head.len_bytes;
        Ok(head.argument)
    }

    fn bool(&mut self) -> Outcome<bool> {
        let head = self.head("true or false")?;
        match (head.major, head.info) {
            (Major::Simple, info @ 20..=21) => {
                self.at += head.len_bytes;
                Ok(info == 21)
            }
            _ => Err(self.wrong(head, "true or false")),
        }
    }

    fn or_null<T>(&mut self, expected: &str, read: impl FnOnce(&mut Self, &str) -> Outcome<T>) -> Outcome<Option<T>> {
        const NULL: u8 = 0xf6;
        if self.rest().first() == Some(&NULL) {
            self.at += 1;
            return Ok(None);
        }
        read(self, expected).map(Some)
    }

    /// Any one item.
    fn any(&mut self) -> Outcome<()> {
        match wire::canonical_item_len(self.rest()) {
            Ok(len) => {
                self.at += len;
                Ok(())
            }
            Err(wire::NotCanonical) => {
                let start = self.at;
                self.find_flaw(0)?;
                let found = "an item that is not canonical";
                Err(self.flaw(FlawKind::NotCanonical, start, found, "an item in canonical form"))
            }
        }
    }

    /// Looks for what is not canonical about any one item, at this depth of arrays and maps, of which there are only so
    /// many.
    fn find_flaw(&mut self, depth: usize) -> Outcome<()> {
        let start = self.at;
        let head = self.head("an item")?;
        match head.major {
            Major::Unsigned | Major::Negative => self.at += head.len_bytes,
            Major::Bytes => {
                self.body(head, "an item")?;
            }
            Major::Text => {
                self.text()?;
            }
            Major::Tag => return Err(self.wrong(head, "an item without a tag")),
            Major::Simple => {
                let item = self.rest().get(..head.len_bytes).unwrap_or_default();
                if wire::canonical_item_len(item) != Ok(item.len()) {
                    return Err(if head.info >= 25 {
                        let expected = "the shortest float of this value; for NaN, f97e00";
                        self.flaw(FlawKind::LongFloat, start, format!("the float {}", Hex(item)), expected)
                    } else {
                        self.flaw(FlawKind::SimpleValue, start, describe(head), "no simple value but false, true, null")
                    });
                }
                self.at += head.len_bytes;
            }
            Major::Array | Major::Map if depth == MAX_NESTING => {
                let found = format!("{} within {depth} others", describe(head));
                return Err(self.flaw(FlawKind::Nesting, start, found, format!("at most {MAX_NESTING} levels")));
            }
            Major::Array => {
                self.at += head.len_bytes;
                for index in 0..head.argument {
                    self.within(Step::Index(index), |reader| reader.find_flaw(depth + 1))?;
                }
            }
            Major::Map => {
                self.at += head.len_bytes;
                let mut last = 0..0;
                for _ in 0..head.argument {
                    let place = self.custom_key(last, depth)?;
                    let shown = self.shown_key(place.clone());
                    self.within(Step::Key(shown), |reader| reader.find_flaw(depth + 1))?;
                    last = place;
                }
            }
        }
        Ok(())
    }

    /// The next key of a custom map, whose last one was at `last`.
    fn custom_key(&mut self, last: Range<usize>, depth: usize) -> Outcome<Range<usize>> {
        let start = self.at;
        let head = self.head("a map key")?;
        if matches!(head.major, Major::Array | Major::Map | Major::Simple) {
            let expected = "an integer, a byte string or a text as key";
            return Err(self.flaw(FlawKind::KeyType, start, describe(head), expected));
        }
        self.find_flaw(depth)?;
        let place = start..self.at;
        let bytes = |place: &Range<usize>| self.cbor.get(place.clone()).unwrap_or_default();
        let order = wire::key_order(bytes(&last), bytes(&place));
        if !last.is_empty() && order.is_ge() {
            let [key, before] = [place, last].map(|place| self.shown_key(place));
            return Err(if order.is_eq() {
                self.flaw(FlawKind::DuplicateKey, start, format!("the key {key} again"), "each key once")
            } else {
                let expected = "keys in order of type, then length, then bytes";
                self.flaw(FlawKind::KeyOrder, start, format!("the key {key} behind {before}"), expected)
            });
        }
        Ok(place)
    }

    fn shown_key(&self, place: Range<usize>) -> String {
        let item = self.cbor.get(place).unwrap_or_default();
        let Ok(head) = wire::read_head(item) else { return String::new() };
        let body = item.get(head.len_bytes..).unwrap_or_default();
        match head.major {
            Major::Text => Quoted(&String::from_utf8_lossy(body)).to_string(),
            Major::Bytes => format!("h'{}'", Hex(body)),
            Major::Negative => (-1 - i128::from(head.argument)).to_string(),
            _ => head.argument.to_string(),
        }
    }
}

/// Maps with fixed keys.
impl Reader<'_> {
    /// The head of a map that has these keys, no more and no less.
    fn map_head(&mut self, keys: &'static [&'static str]) -> Outcome<()> {
        let start = self.at;
        let expected = || format!("a map of {}: {}", keys.len(), keys.join(", "));
        let announced = self.container(Major::Map, &expected())?;
        if announced == keys.len() as u64 {
            return Ok(());
        }
        // The number is wrong. Which key is one too many, or missing, says more.
        let mut seen = Vec::new();
        for _ in 0..announced {
            let at = self.at;
            let Some(key) = self.peeked_key() else { break };
            let unknown = !keys.contains(&key.as_str());
            if unknown || seen.contains(&key) {
                let kind = if unknown { FlawKind::UnknownKey } else { FlawKind::DuplicateKey };
                let again = if unknown { "" } else { " again" };
                let found = format!("the key {}{again}, in a map of {announced}", Quoted(&key));
                return Err(self.flaw(kind, at, found, expected()));
            }
            seen.push(key);
            if self.skip().is_none() {
                break;
            }
        }
        let mut missing = keys.iter().filter(|key| !seen.iter().any(|seen| seen == *key));
        Err(match missing.next() {
            Some(key) if seen.len() as u64 == announced => {
                let found = format!("a map of {announced}, without {key:?}");
                self.flaw(FlawKind::MissingKey, start, found, expected())
            }
            _ => self.flaw(FlawKind::EntryCount, start, format!("a map of {announced}"), expected()),
        })
    }

    /// Key `index` of these, and its value.
    fn entry<T>(
        &mut self,
        keys: &'static [&'static str],
        index: usize,
        read: impl FnOnce(&mut Self) -> Outcome<T>,
    ) -> Outcome<T> {
        let due = keys.get(index).copied().unwrap_or_default();
        let expected = format!("the key {due:?}");
        let start = self.at;
        let key = self.text_of(&expected)?;
        if key != due {
            let kind = match keys.iter().position(|other| *other == key) {
                None => FlawKind::UnknownKey,
                Some(place) if place < index => FlawKind::DuplicateKey,
                Some(_) => FlawKind::KeyOrder,
            };
            return Err(self.flaw(kind, start, format!("the key {}", Quoted(&key)), expected));
        }
        self.within(Step::Name(due), read)
    }

    /// The text that is next, if one is; steps over it.
    fn peeked_key(&mut self) -> Option<String> {
        let head = wire::read_head(self.rest()).ok().filter(|head| head.major == Major::Text)?;
        let end = usize::try_from(head.argument).ok()?.checked_add(head.len_bytes)?;
        let key = str::from_utf8(self.rest().get(head.len_bytes..end)?).ok()?.to_owned();
        self.at += end;
        Some(key)
    }

    /// Steps over one item with all that it holds, whether or not its maps are in order.
    fn skip(&mut self) -> Option<()> {
        let mut due = 1_u64;
        while due > 0 {
            let head = wire::read_head(self.rest()).ok()?;
            let (body, within) = match head.major {
                Major::Bytes | Major::Text => (usize::try_from(head.argument).ok()?, 0),
                Major::Array => (0, head.argument),
                Major::Map => (0, head.argument.checked_mul(2)?),
                Major::Tag => (0, 1),
                Major::Unsigned | Major::Negative | Major::Simple => (0, 0),
            };
            due = (due - 1).checked_add(within)?;
            let len = head.len_bytes.checked_add(body)?;
            self.rest().get(..len)?;
            self.at += len;
        }
        Some(())
    }
}

/// Heads, bodies, places.
impl<'b> Reader<'b> {
    fn rest(&self) -> &'b [u8] {
        self.cbor.get(self.at..).unwrap_or_default()
    }

    /// The next item's head. Does not step over it.
    fn head(&self, expected: &str) -> Outcome<Head> {
        wire::read_head(self.rest()).map_err(|wire::NotCanonical| self.bad_head(expected))
    }

    fn bad_head(&self, expected: &str) -> Flaw {
        let Some((&initial, rest)) = self.rest().split_first() else {
            return self.flaw(FlawKind::EndOfInput, self.at, "the end of the token", expected);
        };
        let what = ["an integer", "a negative integer", "a byte string", "a text", "an array", "a map", "a tag"];
        let what = what.get(usize::from(initial >> 5)).copied().unwrap_or("a simple value");
        let argument_bytes = match initial & 0x1f {
            info @ 24..=27 => 1 << (info - 24),
            31 if matches!(initial >> 5, 2..=5) => {
                let found = format!("{what} of indefinite length");
                return self.flaw(FlawKind::IndefiniteLength, self.at, found, "definite lengths");
            }
            31 if initial >> 5 == 7 => {
                let found = "the break that ends an indefinite length";
                return self.flaw(FlawKind::IndefiniteLength, self.at, found, expected);
            }
            _ => {
                return self.flaw(
                    FlawKind::ReservedHead,
                    self.at,
                    format!("the reserved head {initial:02x}"),
                    expected,
                );
            }
        };
        match rest.get(..argument_bytes) {
            None => {
                let found = format!("the end of the token, in the head of {what}");
                let expected = format!("{} more of it", Bytes(argument_bytes - rest.len()));
                self.flaw(FlawKind::EndOfInput, self.cbor.len(), found, expected)
            }
            Some(argument) => {
                let argument = argument.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
                let shortest = match argument {
                    0..=23 => 1,
                    24..=0xff => 2,
                    0x100..=0xffff => 3,
                    _ => 5,
                };
                let found = format!("{what} with {argument} in a head of {}", Bytes(1 + argument_bytes));
                self.flaw(FlawKind::LongHead, self.at, found, format!("the shortest head, of {}", Bytes(shortest)))
            }
        }
    }

    /// The bytes of a string whose head is next.
    fn body(&mut self, head: Head, expected: &str) -> Outcome<&'b [u8]> {
        let left = self.rest().get(head.len_bytes..).unwrap_or_default();
        match usize::try_from(head.argument).ok().and_then(|len| left.get(..len)) {
            Some(body) => {
                self.at += head.len_bytes + body.len();
                Ok(body)
            }
            None => {
                let found = format!("the end of the token, {} into {}", Bytes(left.len()), describe(head));
                Err(self.flaw(FlawKind::EndOfInput, self.cbor.len(), found, format!("{expected}, whole")))
            }
        }
    }

    /// The head of an array or a map; gives the number of its items or entries.
    fn container(&mut self, major: Major, expected: &str) -> Outcome<u64> {
        let head = self.head(expected)?;
        if head.major != major {
            return Err(self.wrong(head, expected));
        }
        self.at += head.len_bytes;
        Ok(head.argument)
    }

    /// Reads something, and gives its place as well.
    fn with_item<T>(&mut self, read: impl FnOnce(&mut Self) -> Outcome<T>) -> Outcome<(T, Range<usize>)> {
        let start = self.at;
        let item = read(self)?;
        Ok((item, start..self.at))
    }

    /// Reads something that lies one step further down. After a flaw the path stays as it is: nothing more is read.
    fn within<T>(&mut self, step: Step, read: impl FnOnce(&mut Self) -> Outcome<T>) -> Outcome<T> {
        self.path.push(step);
        let item = read(self)?;
        self.path.pop();
        Ok(item)
    }

    /// The next item is of another type.
    fn wrong(&self, head: Head, expected: &str) -> Flaw {
        let kind = if head.major == Major::Tag { FlawKind::Tag } else { FlawKind::WrongType };
        self.flaw(kind, self.at, describe(head), expected)
    }

    fn flaw(&self, kind: FlawKind, at: usize, found: impl fmt::Display, expected: impl fmt::Display) -> Flaw {
        // Four characters hold three bytes.
        let text_char = if at == self.cbor.len() { self.text_chars } else { at / 3 * 4 + at % 3 };
        Flaw {
            kind,
            text_char,
            cbor_byte: Some(at),
            path: self.path_text(),
            found: found.to_string(),
            expected: expected.to_string(),
        }
    }

    fn path_text(&self) -> String {
        let mut text = String::new();
        for step in &self.path {
            match step {
                Step::Name(name) if text.is_empty() => text.push_str(name),
                Step::Name(name) => text.extend([".", *name]),
                Step::Index(index) => text.push_str(&format!("[{index}]")),
                Step::Key(key) => text.extend(["[", key.as_str(), "]"]),
            }
        }
        text
    }
}

/// An item, in words, by its head.
fn describe(head: Head) -> String {
    let argument = head.argument;
    match (head.major, head.info) {
        (Major::Unsigned, _) => format!("the integer {argument}"),
        (Major::Negative, _) => format!("the integer {}", -1 - i128::from(argument)),
        (Major::Bytes, _) => format!("a byte string of {}", Bytes(argument)),
        (Major::Text, _) => format!("a text of {}", Bytes(argument)),
        (Major::Array, _) => format!("an array of {argument}"),
        (Major::Map, _) => format!("a map of {argument}"),
        (Major::Tag, _) => format!("the tag {argument}"),
        (Major::Simple, 20) => "false".to_owned(),
        (Major::Simple, 21) => "true".to_owned(),
        (Major::Simple, 22) => "null".to_owned(),
        (Major::Simple, 23) => "undefined".to_owned(),
        (Major::Simple, 25..=27) => format!("a float of {}", Bytes(head.len_bytes - 1)),
        (Major::Simple, _) => format!("the simple value {argument}"),
    }
}
