//! Tokens: any bytes, bytes with their MAC put right, or built caveat by caveat; and what becomes of good ones when
//! bytes are changed.

use std::borrow::Cow;
use std::sync::LazyLock;

use arbitrary::Unstructured;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ron_auth_core::seam::Decode;
use ron_auth_core::{CapabilityBuilder, Caveat, Rate, Scope, chain, wire};
use ron_auth_variants::decode::ZeroCopyDecode;

use crate::case::{NOW_UNIX_S, key};

/// What follows the head of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A token's text, as it is.
    Text = 0,
    /// CBOR, as it is.
    Cbor = 1,
    /// CBOR; if it decodes, with the MAC that it should have: so the fuzzer gets past the MAC and into the caveats.
    Signed = 2,
    /// Choices, of which a token is built and signed.
    Built = 3,
}

/// Added to a kind: three bytes come first that say what is changed after signing.
pub const DAMAGED: u8 = 4;

pub(crate) struct Subject {
    pub(crate) text: String,
    /// The same with bytes changed after signing, if it was signed.
    pub(crate) altered_text: Option<String>,
}

pub(crate) fn subject(kind: u8, bytes: &mut Unstructured<'_>) -> Subject {
    let damage = (kind & DAMAGED != 0).then(|| [(); 3].map(|()| byte(bytes)));
    let rest = |bytes: &mut Unstructured<'_>| bytes.bytes(bytes.len()).unwrap_or_default().to_vec();
    let signed = match kind & 3 {
        0 => {
            let text = String::from_utf8_lossy(&rest(bytes)).into_owned();
            return Subject { text, altered_text: None };
        }
        1 => return Subject { text: URL_SAFE_NO_PAD.encode(rest(bytes)), altered_text: None },
        2 => {
            let cbor = rest(bytes);
            match signed(&cbor) {
                Some(signed) => signed,
                None => return Subject { text: URL_SAFE_NO_PAD.encode(cbor), altered_text: None },
            }
        }
        _ => built(bytes),
    };
    let altered = damage.map(|damage| altered(&signed, damage)).filter(|altered| *altered != signed);
    Subject {
        text: URL_SAFE_NO_PAD.encode(signed),
        altered_text: altered.map(|altered| URL_SAFE_NO_PAD.encode(altered)),
    }
}

/// Good tokens that stand beside the subject in a batch: a short one, and one whose steps are longer than a block of
/// any kind.
pub(crate) fn companions() -> &'static [String; 2] {
    static BOTH: LazyLock<[String; 2]> = LazyLock::new(|| {
        let long = [custom("handled", "a", 1500), Caveat::Exp(NOW_UNIX_S + 60), custom("handled", "acme", 70)];
        [vec![Caveat::Exp(NOW_UNIX_S + 600)], long.into()].map(|caveats| {
            let builder = CapabilityBuilder::new("acme", "k1", Scope::new("/index/", ["GET"])).caveats(caveats);
            builder.sign(&key()).map(|token| token.to_base64url()).unwrap_or_default()
        })
    });
    &BOTH
}

/// The token with the MAC that it should have.
fn signed(cbor: &[u8]) -> Option<Vec<u8>> {
    let mut arena = <ZeroCopyDecode as Decode>::Arena::default();
    let token = ZeroCopyDecode.decode(cbor, 64, &mut arena).ok()?;
    let tag = chain::tag_of(&key(), ZeroCopyDecode::view(&token, cbor, &arena));
    let mut signed = cbor[..cbor.len() - 32].to_vec();
    signed.extend(tag.as_bytes());
    Some(signed)
}

fn altered(signed: &[u8], [how, place, value]: [u8; 3]) -> Vec<u8> {
    let mut altered = signed.to_vec();
    // Places are spread over the whole token, in both directions.
    let place = (usize::from(place) + usize::from(how >> 4) * 256) % altered.len().max(1);
    match how % 6 {
        0 => altered[place] ^= 1 << (value % 8),
        1 => altered[place] = value,
        2 => altered.insert(place, value),
        3 => drop(altered.remove(place)),
        4 => altered.truncate(place),
        // A head with its argument in one byte more than it needs.
        _ => {
            let head = altered[place];
            altered.splice(place..=place, [head & 0xe0 | 24, head & 0x1f]);
        }
    }
    altered
}

fn built(bytes: &mut Unstructured<'_>) -> Vec<u8> {
    let tid = pick(bytes, &["acme", "test", "", "t-ü", "a tenant of more than 23 bytes"]);
    let kid = pick(bytes, &["k1", "gone", "", "a key id of more than twenty-three bytes"]);
    let scope = Scope {
        prefix: (byte(bytes) % 2 == 1).then(|| path(bytes)),
        methods: methods(bytes),
        max_bytes: (byte(bytes) % 2 == 1).then(|| number(bytes)),
    };
    let mut caveats = Vec::new();
    while !bytes.is_empty() && caveats.len() < 70 {
        caveats.push(caveat(bytes));
    }
    let builder = CapabilityBuilder::new(tid, kid, scope).caveats(caveats);
    // Values of custom caveats are canonical as they are built.
    builder.sign(&key()).map(|token| token.to_cbor()).unwrap_or_default()
}

fn caveat(bytes: &mut Unstructured<'_>) -> Caveat {
    match byte(bytes) % 12 {
        0 => Caveat::Exp(number(bytes)),
        1 => Caveat::Nbf(number(bytes)),
        2 => Caveat::Aud(pick(bytes, &["aud-demo", "9f86d081", "", "other"]).into()),
        3 => Caveat::Method(methods(bytes)),
        4 => Caveat::PathPrefix(path(bytes)),
        5 => Caveat::IpCidr(
            pick(
                bytes,
                &[
                    "10.0.0.0/8",
                    "10.1.2.3/32",
                    "10.0.0.1/8",
                    "0.0.0.0/0",
                    "::/0",
                    "2001:db8::/32",
                    "::ffff:0:0/96",
                    "",
                    "x",
                ],
            )
            .into(),
        ),
        6 => Caveat::BytesLe(number(bytes)),
        7 => Caveat::Rate(Rate { per_s: number(bytes) as u32, burst: number(bytes) as u32 }),
        8 => Caveat::Tenant(pick(bytes, &["acme", "test", "", "other"]).into()),
        9 => Caveat::Amnesia(byte(bytes) % 2 == 1),
        10 => Caveat::GovPolicyDigest(pick(bytes, &["9f86d081", "", "other"]).into()),
        _ => {
            let ns = pick(bytes, &["handled", "nobody", ""]);
            let name = pick(bytes, &["acme", "test", "", "é"]);
            match byte(bytes) {
                0 => Caveat::Custom { ns: ns.into(), name: name.into(), cbor: vec![0xf6] },
                // Lengths at which a step's message fills another block, and more.
                len => custom(ns, name, usize::from(len) * if byte(bytes).is_multiple_of(8) { 9 } else { 1 }),
            }
        }
    }
}

fn custom(ns: &str, name: &str, len: usize) -> Caveat {
    let mut cbor = Vec::new();
    wire::encode_text(&"x".repeat(len), &mut cbor);
    Caveat::Custom { ns: ns.into(), name: name.into(), cbor }
}

fn methods(bytes: &mut Unstructured<'_>) -> Vec<Cow<'static, str>> {
    let names = ["GET", "POST", "get", "X-PURGE", "DELETE", "a method name of more than 23 bytes"];
    (0..byte(bytes) % 4).map(|_| Cow::Borrowed(pick(bytes, &names))).collect()
}

fn path(bytes: &mut Unstructured<'_>) -> String {
    pick(bytes, &["/index", "/index/", "", "/", "/index/1", "/index/../x", "//", "/index/é", "index"]).to_owned()
}

fn number(bytes: &mut Unstructured<'_>) -> u64 {
    match byte(bytes) % 4 {
        0 => NOW_UNIX_S.wrapping_add_signed(i64::from(byte(bytes) as i8)),
        1 => u64::from(byte(bytes)),
        2 => [0, 23, 24, 255, 256, 65_535, 65_536, u64::from(u32::MAX), 1 << 32, u64::MAX - 60, u64::MAX]
            [usize::from(byte(bytes)) % 11],
        _ => bytes.arbitrary().unwrap_or_default(),
    }
}

fn pick<'t>(bytes: &mut Unstructured<'_>, texts: &[&'t str]) -> &'t str {
    texts[usize::from(byte(bytes)) % texts.len()]
}

/// Zero where the input has ended.
fn byte(bytes: &mut Unstructured<'_>) -> u8 {
    bytes.arbitrary().unwrap_or_default()
}
