//! What a shape may keep of a method's name and of an integer.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

/// A method: if it is a standard one its name, as the token spells it, else its length in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
#[allow(missing_docs, reason = "said above")]
pub enum Method {
    Standard(String),
    Bytes(usize),
}

impl Method {
    /// The methods of RFC 9110 and RFC 5789.
    pub const STANDARD: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

    /// Keeps what may be kept of the method of this name.
    #[must_use]
    pub fn of(name: &str) -> Self {
        if Self::is_standard(name) { Self::Standard(name.to_owned()) } else { Self::Bytes(name.len()) }
    }

    /// Whether this is a standard method, in upper or lower case.
    #[must_use]
    pub fn is_standard(name: &str) -> bool {
        Self::STANDARD.iter().any(|standard| standard.eq_ignore_ascii_case(name))
    }
}

/// Number of bytes that CBOR takes for an integer: 1, 2, 3, 5 or 9.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Width(u8);

impl Width {
    /// Width of a time in seconds since the Unix epoch, until 2106.
    pub const OF_A_TIME: Self = Self(5);
    /// Width of 0, the least there is.
    pub const LEAST: Self = Self(1);

    /// Width of this value.
    #[must_use]
    pub const fn of(value: u64) -> Self {
        Self(match value {
            0..=23 => 1,
            24..=0xff => 2,
            0x100..=0xffff => 3,
            0x1_0000..=0xffff_ffff => 5,
            _ => 9,
        })
    }

    /// The values of this width.
    #[must_use]
    pub const fn values(self) -> RangeInclusive<u64> {
        match self.0 {
            1 => 0..=23,
            2 => 24..=0xff,
            3 => 0x100..=0xffff,
            5 => 0x1_0000..=0xffff_ffff,
            _ => 0x1_0000_0000..=u64::MAX,
        }
    }

    /// The value in the middle, with as much room below as above.
    #[must_use]
    pub const fn middle(self) -> u64 {
        let values = self.values();
        *values.start() + (*values.end() - *values.start()) / 2
    }
}

impl TryFrom<u8> for Width {
    type Error = String;

    fn try_from(bytes: u8) -> Result<Self, String> {
        match bytes {
            1 | 2 | 3 | 5 | 9 => Ok(Self(bytes)),
            _ => Err(format!("an integer takes 1, 2, 3, 5 or 9 bytes of CBOR, not {bytes}")),
        }
    }
}

impl From<Width> for u8 {
    fn from(width: Width) -> Self {
        width.0
    }
}
