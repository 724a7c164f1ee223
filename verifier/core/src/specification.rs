//! What this crate is held to, as the repository's documents have it: the [wire format and its semantics](wire_v1), and
//! the [codes] of errors and reasons. Modules without code; only rustdoc reads the documents.

/// Wire format v1 and its semantics: the bytes, the MAC, errors in order of precedence, and what every caveat means.
///
// The first definition of a link counts: within rustdoc the document's own link leads to the module below.
#[cfg_attr(doc, doc = "[CODES.md]: crate::specification::codes\n\n")]
#[cfg_attr(doc, doc = include_str!("../WIRE.md"))]
pub mod wire_v1 {}

/// Codes of errors and reasons, which never change, and the shapes of the feature `serde`.
///
#[cfg_attr(doc, doc = include_str!("../CODES.md"))]
pub mod codes {}
