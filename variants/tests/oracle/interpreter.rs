//! The rules of `docs/WIRE.md`, spelled out once more, slowly: what is right here is right because one can read it.
//!
//! Nothing of the verifier is used but the types of its answers and, for `compat`, the net parser that the rule names.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ron_auth_core::{AuthError, Decision, DenyReason, Malformed, Rate, Scope, Semantics};

/// What a verifier is set to, as far as it decides.
#[derive(Clone, Debug)]
pub struct Rules {
    pub semantics: Semantics,
    pub max_token_bytes: usize,
    pub max_caveats: usize,
    pub skew_s: u64,
    /// Namespaces that have a handler.
    pub handled: Vec<&'static str>,
}

/// What is known of a request.
#[derive(Clone, Debug)]
pub struct Request {
    pub now_s: u64,
    pub method: String,
    pub path: String,
    pub tenant: String,
    pub peer: Option<IpAddr>,
    pub audience: Option<String>,
    pub policy_digest: Option<String>,
    pub content_len: Option<u64>,
    pub amnesia: bool,
}

/// What a token says.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    pub tid: String,
    pub kid: String,
    pub scope: TokenScope,
    pub caveats: Vec<Caveat>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct TokenScope {
    pub prefix: Option<String>,
    pub methods: Vec<String>,
    pub max_bytes: Option<u64>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Caveat {
    Exp(u64),
    Nbf(u64),
    Aud(String),
    Method(Vec<String>),
    PathPrefix(String),
    IpCidr(String),
    BytesLe(u64),
    Rate { per_s: u32, burst: u32 },
    Tenant(String),
    Amnesia(bool),
    GovPolicyDigest(String),
    Custom { ns: String, name: String, cbor: Vec<u8> },
}

/// The answer, and which handlers were asked on the way to it, in order: namespace, name, value.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub result: Result<Decision, AuthError>,
    pub asked: Vec<Question>,
}

pub type Question = (String, String, Vec<u8>);

/// The handlers that a verifier may have been given, by namespace.
pub fn handler(ns: &str, name: &str, cbor: &[u8], tenant: &str) -> Result<(), String> {
    match ns {
        "always" => Ok(()),
        "never" => Err(String::new()),
        "null" => {
            if cbor == [0xf6] {
                Ok(())
            } else {
                Err(format!("refused {name}"))
            }
        }
        "tenant" => {
            if name == tenant {
                Ok(())
            } else {
                Err("refused".into())
            }
        }
        _ => Err(format!("no handler {ns}")),
    }
}

/// The key of a tenant's key id, if there is one.
pub fn key_of(tid: &str, kid: &str) -> Option<[u8; 32]> {
    (kid != "gone").then(|| *blake3::hash(format!("{}:{tid}{kid}", tid.len()).as_bytes()).as_bytes())
}

pub fn verify(rules: &Rules, text: &str, request: &Request) -> Answer {
    let mut asked = Vec::new();
    let result = opened(rules, text).and_then(|token| judge(rules, &token, request, &mut asked));
    Answer { result, asked }
}

/// Everything up to the MAC.
fn opened(rules: &Rules, text: &str) -> Result<Token, AuthError> {
    // n bytes are 8 n bits, and a character holds 6.
    let longest_text = (rules.max_token_bytes as u128 * 8).div_ceil(6);
    if text.len() as u128 > longest_text {
        return Err(AuthError::Bounds);
    }
    let cbor = base64url(text).ok_or(AuthError::Malformed(Malformed::Base64))?;
    let Signed { token, steps, mac } = decode(&cbor, rules.max_caveats)?;
    let key = key_of(&token.tid, &token.kid).ok_or(AuthError::UnknownKid)?;
    if chain(&key, &steps).as_slice() == mac { Ok(token) } else { Err(AuthError::MacMismatch) }
}

/// The last tag of the chain over the items that its steps cover.
pub fn chain(key: &[u8; 32], steps: &[Vec<u8>]) -> [u8; 32] {
    let mut tag = Vec::new();
    for step in steps {
        tag = blake3::keyed_hash(key, &[tag, step.clone()].concat()).as_bytes().to_vec();
    }
    // There is always a first step.
    tag.try_into().unwrap()
}

fn base64url(text: &str) -> Option<Vec<u8>> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut bits = Vec::new();
    for character in text.bytes() {
        let value = alphabet.iter().position(|&other| other == character)?;
        bits.extend((0..6).rev().map(|place| value >> place & 1));
    }
    let (bytes, trailing) = bits.as_chunks::<8>();
    let canonical = trailing.len() < 6 && trailing.iter().all(|&bit| bit == 0);
    canonical.then(|| bytes.iter().map(|bits| bits.iter().fold(0, |byte, &bit| byte << 1 | bit) as u8).collect())
}

struct Signed {
    token: Token,
    /// What each step of the MAC chain covers.
    steps: Vec<Vec<u8>>,
    mac: Vec<u8>,
}

fn decode(cbor: &[u8], max_caveats: usize) -> Result<Signed, AuthError> {
    let malformed = |Wrong| AuthError::Malformed(Malformed::Cbor);
    let mut reader = Reader { rest: cbor };
    let (tid, kid, scope, head, announced) = reader.up_to_the_caveats().map_err(malformed)?;
    if announced > max_caveats as u64 {
        return Err(AuthError::Bounds);
    }
    let mut steps = vec![head];
    let mut caveats = Vec::new();
    for _ in 0..announced {
        let (caveat, item) = reader.with_its_bytes(Reader::caveat).map_err(malformed)?;
        caveats.push(caveat);
        steps.push(item);
    }
    let mac = reader.mac_and_end().map_err(malformed)?;
    Ok(Signed { token: Token { tid, kid, scope, caveats }, steps, mac })
}

/// Bytes that are not the one permitted encoding.
struct Wrong;

struct Reader<'a> {
    rest: &'a [u8],
}

const UINT: u8 = 0;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;
const FALSE: u8 = 0xf4;
const TRUE: u8 = 0xf5;
const NULL: u8 = 0xf6;

impl Reader<'_> {
    #[allow(clippy::type_complexity, reason = "read once, a few lines above")]
    fn up_to_the_caveats(&mut self) -> Result<(String, String, TokenScope, Vec<u8>, u64), Wrong> {
        self.map_of(5)?;
        self.key("tid")?;
        let (tid, tid_item) = self.with_its_bytes(Self::text)?;
        self.key("kid")?;
        let (kid, kid_item) = self.with_its_bytes(Self::text)?;
        self.key("scope")?;
        let (scope, scope_item) = self.with_its_bytes(Self::scope)?;
        self.key("caveats")?;
        let announced = self.head_of(ARRAY)?;
        Ok((tid, kid, scope, [vec![0x83], tid_item, kid_item, scope_item].concat(), announced))
    }

    fn mac_and_end(&mut self) -> Result<Vec<u8>, Wrong> {
        self.key("mac")?;
        let len = self.head_of(BYTES)?;
        let mac = self.take(len)?.to_vec();
        if len == 32 && self.rest.is_empty() { Ok(mac) } else { Err(Wrong) }
    }

    fn scope(&mut self) -> Result<TokenScope, Wrong> {
        self.map_of(3)?;
        self.key("prefix")?;
        let prefix = self.or_null(Self::text)?;
        self.key("methods")?;
        let methods = self.texts()?;
        self.key("max_bytes")?;
        let max_bytes = self.or_null(|reader| reader.head_of(UINT))?;
        Ok(TokenScope { prefix, methods, max_bytes })
    }

    fn caveat(&mut self) -> Result<Caveat, Wrong> {
        self.map_of(2)?;
        self.key("t")?;
        let kind = self.text()?;
        self.key("v")?;
        Ok(match kind.as_str() {
            "Exp" => Caveat::Exp(self.head_of(UINT)?),
            "Nbf" => Caveat::Nbf(self.head_of(UINT)?),
            "Aud" => Caveat::Aud(self.text()?),
            "Method" => Caveat::Method(self.texts()?),
            "PathPrefix" => Caveat::PathPrefix(self.text()?),
            "IpCidr" => Caveat::IpCidr(self.text()?),
            "BytesLe" => Caveat::BytesLe(self.head_of(UINT)?),
            "Rate" => {
                self.map_of(2)?;
                self.key("per_s")?;
                let per_s = self.uint32()?;
                self.key("burst")?;
                Caveat::Rate { per_s, burst: self.uint32()? }
            }
            "Tenant" => Caveat::Tenant(self.text()?),
            "Amnesia" => match self.take(1)? {
                [FALSE] => Caveat::Amnesia(false),
                [TRUE] => Caveat::Amnesia(true),
                _ => return Err(Wrong),
            },
            "GovPolicyDigest" => Caveat::GovPolicyDigest(self.text()?),
            "Custom" => {
                self.map_of(3)?;
                self.key("ns")?;
                let ns = self.text()?;
                self.key("name")?;
                let name = self.text()?;
                self.key("cbor")?;
                let ((), cbor) = self.with_its_bytes(|reader| reader.any(32))?;
                Caveat::Custom { ns, name, cbor }
            }
            _ => return Err(Wrong),
        })
    }

    /// An item of any shape with so many levels of arrays and maps at most.
    fn any(&mut self, levels: u32) -> Result<(), Wrong> {
        if let [initial @ 0xe0..=0xff, ..] = *self.rest {
            return self.simple_or_float(initial);
        }
        let (major, argument) = self.head()?;
        match major {
            BYTES => {
                self.take(argument)?;
            }
            TEXT => {
                str::from_utf8(self.take(argument)?).map_err(|_| Wrong)?;
            }
            ARRAY => {
                let levels = levels.checked_sub(1).ok_or(Wrong)?;
                for _ in 0..argument {
                    self.any(levels)?;
                }
            }
            MAP => {
                let levels = levels.checked_sub(1).ok_or(Wrong)?;
                let mut last = None;
                for _ in 0..argument {
                    let ((), key) = self.with_its_bytes(|reader| reader.any(levels))?;
                    let major = key[0] >> 5;
                    let place = Some((major, key.len(), key));
                    if major > TEXT || last >= place {
                        return Err(Wrong);
                    }
                    last = place;
                    self.any(levels)?;
                }
            }
            TAG => return Err(Wrong),
            _integer => {}
        }
        Ok(())
    }

    fn simple_or_float(&mut self, initial: u8) -> Result<(), Wrong> {
        self.take(1)?;
        let shortest = match initial {
            FALSE | TRUE | NULL => true,
            0xf9 => {
                let bits = self.uint(2)?;
                let is_nan = bits & 0x7c00 == 0x7c00 && bits & 0x03ff != 0;
                !is_nan || bits == 0x7e00
            }
            0xfa => {
                let value = f32::from_bits(self.uint(4)? as u32);
                !value.is_nan() && !fits_16_bits(value)
            }
            0xfb => {
                let value = f64::from_bits(self.uint(8)?);
                !value.is_nan() && f64::from(value as f32) != value
            }
            _ => false,
        };
        if shortest { Ok(()) } else { Err(Wrong) }
    }

    fn texts(&mut self) -> Result<Vec<String>, Wrong> {
        let count = self.head_of(ARRAY)?;
        (0..count).map(|_| self.text()).collect()
    }

    fn text(&mut self) -> Result<String, Wrong> {
        let len = self.head_of(TEXT)?;
        String::from_utf8(self.take(len)?.to_vec()).map_err(|_| Wrong)
    }

    fn uint32(&mut self) -> Result<u32, Wrong> {
        self.head_of(UINT)?.try_into().map_err(|_| Wrong)
    }

    fn or_null<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Wrong>) -> Result<Option<T>, Wrong> {
        if let [NULL, rest @ ..] = self.rest {
            self.rest = rest;
            return Ok(None);
        }
        read(self).map(Some)
    }

    fn map_of(&mut self, entries: u64) -> Result<(), Wrong> {
        if self.head_of(MAP)? == entries { Ok(()) } else { Err(Wrong) }
    }

    fn key(&mut self, name: &str) -> Result<(), Wrong> {
        if self.text()? == name { Ok(()) } else { Err(Wrong) }
    }

    fn head_of(&mut self, wanted: u8) -> Result<u64, Wrong> {
        let (major, argument) = self.head()?;
        if major == wanted { Ok(argument) } else { Err(Wrong) }
    }

    /// Major type and argument of a head that is as short as can be.
    fn head(&mut self) -> Result<(u8, u64), Wrong> {
        let initial = self.uint(1)? as u8;
        let (argument, least) = match initial & 0x1f {
            info @ ..24 => (u64::from(info), 0),
            24 => (self.uint(1)?, 24),
            25 => (self.uint(2)?, 0x100),
            26 => (self.uint(4)?, 0x1_0000),
            27 => (self.uint(8)?, 0x1_0000_0000),
            _ => return Err(Wrong),
        };
        if argument >= least { Ok((initial >> 5, argument)) } else { Err(Wrong) }
    }

    fn uint(&mut self, len: u64) -> Result<u64, Wrong> {
        Ok(self.take(len)?.iter().fold(0, |value, &byte| value << 8 | u64::from(byte)))
    }

    fn take(&mut self, len: u64) -> Result<&[u8], Wrong> {
        let (taken, rest) = usize::try_from(len).ok().and_then(|len| self.rest.split_at_checked(len)).ok_or(Wrong)?;
        self.rest = rest;
        Ok(taken)
    }

    fn with_its_bytes<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Wrong>) -> Result<(T, Vec<u8>), Wrong> {
        let before = self.rest;
        let value = read(self)?;
        Ok((value, before[..before.len() - self.rest.len()].to_vec()))
    }
}

/// Whether a float of 16 bits has this value: 11 significant bits, none of them below 2^-24, and at most 65504.
fn fits_16_bits(value: f32) -> bool {
    let units = f64::from(value.abs()) * f64::from(1 << 24);
    if units.is_infinite() || units == 0.0 {
        return true;
    }
    let is_whole = units.fract() == 0.0 && value.abs() <= 65504.0;
    is_whole && {
        let units = units as u64;
        units >> units.trailing_zeros() < 1 << 11
    }
}

/// What becomes of one condition.
#[derive(Clone, Debug, PartialEq)]
pub enum Judgement {
    Holds,
    Owed(Rate),
    Fails(DenyReason),
    Ends(AuthError),
}

fn judge(rules: &Rules, token: &Token, request: &Request, asked: &mut Vec<Question>) -> Result<Decision, AuthError> {
    let mut reasons = Vec::new();
    let mut obligations = Vec::new();
    if rules.semantics == Semantics::Strict {
        reasons = judge_the_token_itself(token, request);
    }
    for caveat in &token.caveats {
        match judge_caveat(rules, caveat, request, asked) {
            Judgement::Holds => {}
            Judgement::Owed(rate) => obligations.push(rate),
            Judgement::Fails(reason) => reasons.push(reason),
            Judgement::Ends(error) => return Err(error),
        }
    }
    Ok(if reasons.is_empty() {
        let TokenScope { prefix, methods, max_bytes } = token.scope.clone();
        let methods = methods.into_iter().map(Into::into).collect();
        Decision::Allow { scope: Scope { prefix, methods, max_bytes }, obligations }
    } else {
        Decision::Deny { reasons }
    })
}

fn judge_the_token_itself(token: &Token, request: &Request) -> Vec<DenyReason> {
    let TokenScope { prefix, methods, max_bytes } = &token.scope;
    let conditions = [
        (token.tid == request.tenant, DenyReason::TidMismatch),
        (is_one_of(&request.method, methods), DenyReason::MethodNotAllowed),
        (prefix.as_ref().is_none_or(|prefix| is_below(&request.path, prefix)), DenyReason::PathNotAllowed),
        (max_bytes.is_none_or(|limit| request.content_len.is_some_and(|len| len <= limit)), DenyReason::BytesExceed),
    ];
    conditions.into_iter().filter(|(holds, _)| !holds).map(|(_, reason)| reason).collect()
}

pub fn judge_caveat(rules: &Rules, caveat: &Caveat, request: &Request, asked: &mut Vec<Question>) -> Judgement {
    let strict = rules.semantics == Semantics::Strict;
    let or = |holds, reason| if holds { Judgement::Holds } else { Judgement::Fails(reason) };
    match caveat {
        Caveat::Exp(last_s) if request.now_s > last_s.saturating_add(rules.skew_s) => {
            Judgement::Ends(AuthError::Expired)
        }
        Caveat::Nbf(first_s) if request.now_s.saturating_add(rules.skew_s) < *first_s => {
            Judgement::Ends(AuthError::NotYetValid)
        }
        Caveat::Exp(_) | Caveat::Nbf(_) => Judgement::Holds,
        Caveat::Aud(name) => {
            let own = if strict { &request.audience } else { &request.policy_digest };
            or(own.as_ref() == Some(name), DenyReason::BadAudience)
        }
        Caveat::GovPolicyDigest(digest) => {
            or(request.policy_digest.as_ref() == Some(digest), DenyReason::GovPolicyDigestMismatch)
        }
        Caveat::Method(names) => or(is_one_of(&request.method, names), DenyReason::MethodNotAllowed),
        Caveat::PathPrefix(prefix) => {
            let path = &request.path;
            let covered = if strict { is_below(path, prefix) } else { path.as_bytes().starts_with(prefix.as_bytes()) };
            or(covered, DenyReason::PathNotAllowed)
        }
        Caveat::IpCidr(net) => {
            let contained = match request.peer {
                Some(peer) if strict => is_in_net(peer, net),
                Some(peer) => net.parse::<ipnet::IpNet>().is_ok_and(|net| net.contains(&peer)),
                None => false,
            };
            or(contained, DenyReason::IpNotAllowed)
        }
        Caveat::BytesLe(limit) => {
            let within = request.content_len.map_or(!strict, |len| len <= *limit);
            or(within, DenyReason::BytesExceed)
        }
        Caveat::Rate { per_s, burst } if strict => Judgement::Owed(Rate { per_s: *per_s, burst: *burst }),
        Caveat::Rate { .. } => Judgement::Holds,
        Caveat::Tenant(tenant) => or(*tenant == request.tenant, DenyReason::TenantMismatch),
        Caveat::Amnesia(amnesia) => or(*amnesia == request.amnesia, DenyReason::AmnesiaMismatch),
        Caveat::Custom { ns, name, cbor } if strict => {
            if !rules.handled.contains(&ns.as_str()) {
                return Judgement::Fails(DenyReason::Unhandled { ns: ns.clone(), name: name.clone() });
            }
            asked.push((ns.clone(), name.clone(), cbor.clone()));
            match handler(ns, name, cbor, &request.tenant) {
                Ok(()) => Judgement::Holds,
                Err(reason) => Judgement::Fails(DenyReason::Custom(reason)),
            }
        }
        Caveat::Custom { .. } => Judgement::Holds,
    }
}

fn is_one_of(method: &str, names: &[String]) -> bool {
    names.iter().any(|name| name.eq_ignore_ascii_case(method))
}

/// The path rule of the strict semantics.
fn is_below(path: &str, prefix: &str) -> bool {
    is_plain(path)
        && path
            .strip_prefix(prefix)
            .is_some_and(|beyond| beyond.is_empty() || prefix.ends_with('/') || beyond.starts_with('/'))
}

/// Whether a path is plain. The numbers are those of the rule.
fn is_plain(path: &str) -> bool {
    // 1
    let Some(beyond_root) = path.strip_prefix('/') else { return false };
    let segments: Option<Vec<String>> = beyond_root.split('/').map(read_segment).collect();
    let Some(segments) = segments else { return false };
    let last = segments.len() - 1;
    segments.iter().enumerate().all(|(index, segment)| {
        let is_end = segment.is_empty() && index == last;
        // 5 and 6
        !segment.chars().any(|character| is_in(MISREAD, character)) && (is_end || is_a_name(segment))
    })
}

/// The characters of a segment, if it is written as a path is (2), in UTF-8 (3), and no escape hides what has a meaning
/// (4).
fn read_segment(segment: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = segment.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        let byte = match first {
            b'%' => {
                let (digits, after) = rest.split_at_checked(2)?;
                rest = after;
                let digit = |place: usize| char::from(digits[place]).to_digit(16);
                let byte = u8::try_from(digit(0)? * 16 + digit(1)?).unwrap();
                if byte.is_ascii_control() || b"./\\%;?#\"<>".contains(&byte) {
                    return None;
                }
                byte
            }
            byte if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(byte) => *byte,
            byte if !byte.is_ascii() => *byte,
            _ => return None,
        };
        bytes.push(byte);
    }
    String::from_utf8(bytes).ok()
}

/// Whether a segment is neither empty nor could be a dot segment or a drive.
fn is_a_name(segment: &str) -> bool {
    let is_of_a_lead = |character| character == '+' || is_in(DOTS, character) || is_in(BLANKS, character);
    let behind = segment.trim_start_matches(is_of_a_lead);
    let lead = &segment[..segment.len() - behind.len()];
    let is_colon = |character| is_in(COLONS, character);
    let next = behind.chars().next();
    let has_dot_or_blank = lead.chars().any(|character| character != '+');
    let could_be_dots = has_dot_or_blank && next.is_none_or(|next| next == ';' || is_colon(next));
    let could_be_a_drive = next.is_some_and(char::is_alphabetic)
        && behind.chars().skip(1).find(|&character| !is_in(BLANKS, character)).is_some_and(is_colon);
    !segment.is_empty() && !segment.starts_with(';') && !could_be_dots && !could_be_a_drive
}

/// Characters, each from the first to the last of a range.
type Ranges = &'static [(u32, u32)];

fn is_in(ranges: Ranges, character: char) -> bool {
    ranges.iter().any(|&(first, last)| (first..=last).contains(&u32::from(character)))
}

/// Controls, line ends, and what turns into a character that has a meaning.
const MISREAD: Ranges = &[
    (0x80, 0x9f),
    (0x2028, 0x2029),
    // slashes, backslashes
    (0x2044, 0x2044),
    (0x2100, 0x2101),
    (0x2105, 0x2106),
    (0x2215, 0x2215),
    (0xff0f, 0xff0f),
    (0xa5, 0xa5),
    (0x20a9, 0x20a9),
    (0x2216, 0x2216),
    (0xfe68, 0xfe68),
    (0xff3c, 0xff3c),
    // semicolons, question marks, number signs, percent signs
    (0x37e, 0x37e),
    (0xfe14, 0xfe14),
    (0xfe54, 0xfe54),
    (0xff1b, 0xff1b),
    (0x2047, 0x2049),
    (0xfe16, 0xfe16),
    (0xfe56, 0xfe56),
    (0xff1f, 0xff1f),
    (0xfe5f, 0xfe5f),
    (0xff03, 0xff03),
    (0x66a, 0x66a),
    (0xfe6a, 0xfe6a),
    (0xff05, 0xff05),
    // quotation marks, less-than and greater-than signs
    (0x2ba, 0x2ba),
    (0x30e, 0x30e),
    (0xff02, 0xff02),
    (0x226e, 0x226f),
    (0x2329, 0x232a),
    (0x3008, 0x3009),
    (0xfe64, 0xfe65),
    (0xff1c, 0xff1c),
    (0xff1e, 0xff1e),
];
const DOTS: Ranges =
    &[(0x2e, 0x2e), (0x2024, 0x2026), (0xfe19, 0xfe19), (0xfe30, 0xfe30), (0xfe52, 0xfe52), (0xff0e, 0xff0e)];
const COLONS: Ranges = &[
    (0x3a, 0x3a),
    (0x589, 0x589),
    (0x2236, 0x2236),
    (0x2a74, 0x2a74),
    (0xfe13, 0xfe13),
    (0xfe55, 0xfe55),
    (0xff1a, 0xff1a),
];
const BLANKS: Ranges = &[
    // white space
    (0x20, 0x20),
    (0xa0, 0xa0),
    (0x1680, 0x1680),
    (0x2000, 0x200a),
    (0x202f, 0x202f),
    (0x205f, 0x205f),
    (0x3000, 0x3000),
    // what has no width
    (0xad, 0xad),
    (0x34f, 0x34f),
    (0x61c, 0x61c),
    (0x180e, 0x180e),
    (0x200b, 0x200f),
    (0x202a, 0x202e),
    (0x2060, 0x206f),
    (0xfe00, 0xfe0f),
    (0xfeff, 0xfeff),
    (0xe0000, 0xe0fff),
];

/// The net rule of the strict semantics.
fn is_in_net(peer: IpAddr, net: &str) -> bool {
    let Some((address, len)) = net.split_once('/') else { return false };
    let Ok(bits) = len.parse::<u32>() else { return false };
    if bits.to_string() != len {
        return false;
    }
    // The address as one number, its width in bits, and its canonical spelling.
    let number = |address: IpAddr| match address {
        IpAddr::V4(v4) => (u128::from(u32::from(v4)), 32),
        IpAddr::V6(v6) => (u128::from(v6), 128),
    };
    let Ok(parsed) = address.parse::<IpAddr>() else { return false };
    let spelling = match parsed {
        IpAddr::V4(v4) => spelled_v4(v4),
        IpAddr::V6(v6) => spelled_v6(v6),
    };
    let peer = match peer {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(peer, IpAddr::V4),
        IpAddr::V4(_) => peer,
    };
    let ((net, width), (peer, peer_width)) = (number(parsed), number(peer));
    if spelling != address || bits > width || width != peer_width {
        return false;
    }
    let beyond = width - bits;
    let net_part = |number: u128| number.checked_shr(beyond).unwrap_or(0);
    let has_host_bits = net != net_part(net).checked_shl(beyond).unwrap_or(0);
    !has_host_bits && net_part(peer) == net_part(net)
}

fn spelled_v4(address: Ipv4Addr) -> String {
    address.octets().map(|octet| octet.to_string()).join(".")
}

/// RFC 5952, section 4: the longest run of two or more zero groups, the first of equals, is `::`; lower case, no
/// leading zeros. Section 5: an IPv4-mapped address ends in its IPv4 spelling.
fn spelled_v6(address: Ipv6Addr) -> String {
    if let Some(v4) = address.to_ipv4_mapped() {
        return format!("::ffff:{}", spelled_v4(v4));
    }
    let groups = address.segments();
    let hex = |groups: &[u16]| groups.iter().map(|group| format!("{group:x}")).collect::<Vec<_>>().join(":");
    for len in (2..=8).rev() {
        for start in 0..=8 - len {
            if groups[start..start + len].iter().all(|&group| group == 0) {
                return format!("{}::{}", hex(&groups[..start]), hex(&groups[start + len..]));
            }
        }
    }
    hex(&groups)
}
