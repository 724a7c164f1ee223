//! Words that nobody writes by chance, and how they are found again, however they were spelled.

use std::net::{Ipv4Addr, Ipv6Addr};

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};

/// What all marks have in common. It is looked for alone, so that a part of a mark is found too.
const CORE: &str = "zq7xk3vw9hmj";
/// The address of a subject, as a proxy tells it.
pub const ADDRESS: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0x7a71, 0x783b, 0x9f3e, 0xd1c5, 0x58b2, 0xe60d);
/// The address that requests come from. All of 127.0.0.0/8 is this machine.
pub const PEER: Ipv4Addr = Ipv4Addr::new(127, 183, 197, 161);

/// A word of a subject, of this kind.
pub fn mark(kind: &str) -> String {
    format!("{CORE}-{kind}")
}

/// What is looked for: each spelling of each mark.
pub struct Marks {
    /// What it is, and its bytes in lower case.
    needles: Vec<(String, Vec<u8>)>,
    /// The needles that begin with these two bytes.
    beginning: Vec<Vec<usize>>,
}

impl Marks {
    pub fn new() -> Self {
        let mut marks = Self { needles: Vec::new(), beginning: vec![Vec::new(); 1 << 16] };
        marks.learn("a mark", CORE.as_bytes());
        marks.learn("a mark in capitals", CORE.to_ascii_uppercase().as_bytes());
        marks.learn("the address of a subject", ADDRESS.to_string().as_bytes());
        marks.learn("the address of a subject", &ADDRESS.octets());
        marks.learn("the peer's address", PEER.to_string().as_bytes());
        marks
    }

    /// Looks for these bytes, too: in plain, in Base64 wherever they stand in what was encoded, in Base64 of that, as
    /// hexadecimal digits, and as a list of numbers.
    pub fn learn(&mut self, what: &str, bytes: &[u8]) {
        assert!(bytes.len() >= 12, "{what} is too short to be told from others");
        self.add(what.to_owned(), bytes);
        self.add(format!("{what}, in hexadecimal digits"), hex(bytes).as_bytes());
        self.add(format!("{what}, as a list of numbers"), format!("{bytes:?}").trim_matches(['[', ']']).as_bytes());
        for once in in_base64(bytes) {
            self.add(format!("{what}, in Base64"), once.as_bytes());
            for twice in in_base64(once.as_bytes()) {
                self.add(format!("{what}, in Base64 of Base64"), twice.as_bytes());
            }
        }
    }

    fn add(&mut self, what: String, bytes: &[u8]) {
        let bytes = bytes.to_ascii_lowercase();
        if self.needles.iter().all(|(_, known)| *known != bytes) {
            self.beginning[usize::from(u16::from_be_bytes([bytes[0], bytes[1]]))].push(self.needles.len());
            self.needles.push((what, bytes));
        }
    }

    /// Each mark that is in there in any spelling, in capitals or not, once, with what stands around it.
    pub fn found_in(&self, text: &[u8]) -> Vec<String> {
        let lower = text.to_ascii_lowercase();
        let mut found: Vec<(usize, String)> = Vec::new();
        for (at, pair) in lower.windows(2).enumerate() {
            for needle in &self.beginning[usize::from(u16::from_be_bytes([pair[0], pair[1]]))] {
                let (what, bytes) = &self.needles[*needle];
                if lower[at..].starts_with(bytes) && found.iter().all(|(known, _)| known != needle) {
                    let around = &text[at.saturating_sub(80)..text.len().min(at + 80)];
                    found.push((*needle, format!("{what}: …{}…", String::from_utf8_lossy(around))));
                }
            }
        }
        found.into_iter().map(|(_, found)| found).collect()
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What of these bytes is the same in Base64 whatever stands before and behind them: for each of the three places in a
/// group, in both alphabets.
fn in_base64(bytes: &[u8]) -> impl Iterator<Item = String> {
    [&BASE64_STANDARD_NO_PAD, &BASE64_URL_SAFE_NO_PAD].into_iter().flat_map(move |alphabet| {
        (0..3).map(move |before| {
            let text = alphabet.encode([vec![0; before], bytes.to_vec()].concat());
            let (from, to) = ((before * 8).div_ceil(6), (before + bytes.len()) * 8 / 6);
            text[from..to].to_owned()
        })
    })
}
