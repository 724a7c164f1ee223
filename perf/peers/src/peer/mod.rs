//! The peers, a file each: how one mints a token with the terms of a fixture, and how it verifies that token and
//! checks every term against the request.

mod biscuit;
mod jwt;
mod macaroon;
mod paseto;

use ron_auth_core::{Caveat, RequestCtx};

/// A token library, set up with its key and with the request to judge.
///
/// What can be set up once is set up once, outside the measurement, as the request and the key ring of ron-auth are.
pub trait Peer {
    /// A token with these terms.
    ///
    /// # Errors
    /// The library refuses to mint it.
    fn mint(&self, caveats: &[Caveat]) -> anyhow::Result<String>;

    /// Whether the token is authentic and all its terms hold for the request.
    fn accepts(&self, token: &str) -> bool;

    /// Whether two texts are but two encodings of one token: for formats that write the same thing in several ways.
    fn says_the_same(&self, _token: &str, _other: &str) -> bool {
        false
    }
}

/// Sets a peer up with a key that is grown from the seed.
type SetUp = fn(&'static RequestCtx<'static>, [u8; 32]) -> anyhow::Result<Box<dyn Peer>>;

/// A peer that can be set up.
pub struct Entry {
    /// What the table calls it.
    pub name: &'static str,
    /// The package that it is.
    pub package: &'static str,
    /// How its work differs from that of `prod`, in one line.
    pub differs: &'static str,
    /// Sets it up.
    pub set_up: SetUp,
}

/// All of them, in the order of the table.
pub static ALL: [Entry; 5] = [
    Entry {
        name: "macaroon",
        package: "macaroon",
        differs: "the same idea: one HMAC-SHA256 (libsodium) per caveat; caveats are text that our predicate parses",
        set_up: macaroon::set_up,
    },
    Entry {
        name: "jsonwebtoken HS256",
        package: "jsonwebtoken",
        differs: "one HMAC-SHA256 (aws-lc) over JSON; no caveats: aud and exp checked by the crate, the rest by us",
        set_up: jwt::set_up_hs256,
    },
    Entry {
        name: "jsonwebtoken EdDSA",
        package: "jsonwebtoken",
        differs: "as HS256, with an Ed25519 signature (aws-lc): a verifier holds no secret, which a MAC cannot offer",
        set_up: jwt::set_up_eddsa,
    },
    Entry {
        name: "pasetors v4.local",
        package: "pasetors",
        differs: "decrypts (XChaCha20, keyed BLAKE2b): the holder cannot read it; no caveats: all checks are ours on claims",
        set_up: paseto::set_up,
    },
    Entry {
        name: "biscuit-auth",
        package: "biscuit-auth",
        differs: "Ed25519 signature, then Datalog: one authority block, one check per caveat, run in a fresh authorizer",
        set_up: biscuit::set_up,
    },
];

/// The key id that every token names.
const KID: &str = "k1";
