//! Where a text is not the canonical form of a token.

use std::fmt;

use crate::error::{AuthError, Malformed};

/// The first place where a text is not the canonical form of a token, what is there, and what was expected.
///
/// Its `Display` is one line for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    pub(super) kind: FlawKind,
    pub(super) text_char: usize,
    pub(super) cbor_byte: Option<usize>,
    pub(super) path: String,
    pub(super) found: String,
    pub(super) expected: String,
}

impl Flaw {
    /// What the verifier makes of it: [`AuthError::Bounds`] or [`AuthError::Malformed`].
    #[must_use]
    pub const fn error(&self) -> AuthError {
        self.kind.error()
    }

    /// What kind of flaw it is.
    #[must_use]
    pub const fn kind(&self) -> FlawKind {
        self.kind
    }

    /// Where in the text, in characters from its beginning; the length of the text if it ends too soon. For a flaw of
    /// the CBOR, the character that the byte begins in.
    #[must_use]
    pub const fn text_char(&self) -> usize {
        self.text_char
    }

    /// Where in the CBOR, in bytes from its beginning; `None` if the text could not be decoded to CBOR.
    #[must_use]
    pub const fn cbor_byte(&self) -> Option<usize> {
        self.cbor_byte
    }

    /// The item at fault, such as `caveats[3].v.per_s`; empty for the token as a whole. Of a fault in or about a map's
    /// keys it is the map. Keys of a custom value stand in brackets as the token has them:
    /// `caveats[0].v.cbor["plan"][2]`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is there, in words.
    #[must_use]
    pub fn found(&self) -> &str {
        &self.found
    }

    /// What was expected, in words.
    #[must_use]
    pub fn expected(&self) -> &str {
        &self.expected
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.error() {
            AuthError::Bounds => "out of bounds",
            AuthError::Malformed(Malformed::Base64) => "not Base64URL",
            _ => "not canonical CBOR",
        })?;
        write!(f, " at character {}", self.text_char)?;
        if let Some(byte) = self.cbor_byte {
            write!(f, ", byte {byte} of the CBOR")?;
        }
        if !self.path.is_empty() {
            write!(f, ", {}", self.path)?;
        }
        write!(f, ": found {}; expected {}", self.found, self.expected)
    }
}

impl std::error::Error for Flaw {}

/// Kinds of flaws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FlawKind {
    /// The text is longer than any token within the bounds.
    TextTooLong,
    /// The token announces more caveats than the bounds permit.
    TooManyCaveats,

    /// `=` at the end of the text.
    Padding,
    /// A character that is not of the Base64URL alphabet.
    Alphabet,
    /// The text's length leaves one character over: no bytes are encoded so.
    TextLength,
    /// The last character carries bits that belong to no byte, and they are not zero.
    TrailingBits,

    /// The CBOR ends within an item, or where one is due.
    EndOfInput,
    /// There are bytes behind the token.
    TrailingBytes,
    /// A head's argument is not written as short as possible.
    LongHead,
    /// A head of a form that CBOR reserves.
    ReservedHead,
    /// A string, an array or a map of indefinite length, or the break that ends one.
    IndefiniteLength,
    /// A tag.
    Tag,
    /// An item of another type.
    WrongType,
    /// A map of another number of entries, where no single key could be told to be at fault.
    EntryCount,
    /// A map without a key that it must have.
    MissingKey,
    /// A key that such a map does not have.
    UnknownKey,
    /// A key that the map has had before.
    DuplicateKey,
    /// A key at another place than its own.
    KeyOrder,
    /// A map key in a custom value that is neither an integer nor a string.
    KeyType,
    /// A caveat of a kind that does not exist.
    UnknownCaveat,
    /// A number that is too large for its place.
    NumberTooLarge,
    /// A text that is not UTF-8.
    InvalidUtf8,
    /// A float that a shorter one equals, or a NaN other than `f97e00`.
    LongFloat,
    /// A simple value that is neither false nor true nor null.
    SimpleValue,
    /// A custom value that nests deeper than [`MAX_NESTING`](crate::wire::MAX_NESTING).
    Nesting,
    /// A MAC that is not of 32 bytes.
    MacLength,
    /// Anything else that is not canonical.
    NotCanonical,
}

impl FlawKind {
    /// What the verifier makes of it.
    #[must_use]
    pub const fn error(self) -> AuthError {
        match self {
            Self::TextTooLong | Self::TooManyCaveats => AuthError::Bounds,
            Self::Padding | Self::Alphabet | Self::TextLength | Self::TrailingBits => {
                AuthError::Malformed(Malformed::Base64)
            }
            _ => AuthError::Malformed(Malformed::Cbor),
        }
    }

    /// Its name, for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TextTooLong => "text_too_long",
            Self::TooManyCaveats => "too_many_caveats",
            Self::Padding => "padding",
            Self::Alphabet => "alphabet",
            Self::TextLength => "text_length",
            Self::TrailingBits => "trailing_bits",
            Self::EndOfInput => "end_of_input",
            Self::TrailingBytes => "trailing_bytes",
            Self::LongHead => "long_head",
            Self::ReservedHead => "reserved_head",
            Self::IndefiniteLength => "indefinite_length",
            Self::Tag => "tag",
            Self::WrongType => "wrong_type",
            Self::EntryCount => "entry_count",
            Self::MissingKey => "missing_key",
            Self::UnknownKey => "unknown_key",
            Self::DuplicateKey => "duplicate_key",
            Self::KeyOrder => "key_order",
            Self::KeyType => "key_type",
            Self::UnknownCaveat => "unknown_caveat",
            Self::NumberTooLarge => "number_too_large",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::LongFloat => "long_float",
            Self::SimpleValue => "simple_value",
            Self::Nesting => "nesting",
            Self::MacLength => "mac_length",
            Self::NotCanonical => "not_canonical",
        }
    }
}

impl fmt::Display for FlawKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
