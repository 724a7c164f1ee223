//! Classes 57, 72 and 73: tokens that are near to others, and what a batch could mix up.

use ron_auth_core::{AuthError, Caveat};

use super::cbor::{bytes, null, text, uint};
use super::token::{Raw, caveat, custom, key, minted, minted_for, wide};
use super::{NOW_UNIX_S, Setting};

pub fn fill(usual: &mut Setting) {
    // A bad token of each kind beside one that differs from it in a byte.
    let good = Raw::with(&[caveat("Exp", uint(NOW_UNIX_S + 600))]);
    let mac = good.mac();
    let mut flipped = mac;
    flipped[31] ^= 1;
    usual.allows(57, "good", good.token(), &wide());
    usual.fails(57, "its MAC flipped", good.token_with(&bytes(&flipped)), AuthError::MacMismatch);
    let second = Raw { kid: text("k2"), ..good.clone() };
    let second_mac = *second.tags(&key("acme", "k2")).last().unwrap();
    usual.allows(57, "of the second key", second.token_with(&bytes(&second_mac)), &wide());
    usual.fails(57, "of the second key, with the first's MAC", second.token_with(&bytes(&mac)), AuthError::MacMismatch);
    usual.fails(57, "with the second's MAC", good.token_with(&bytes(&second_mac)), AuthError::MacMismatch);
    usual.fails(57, "signed by the first for the second", second.token(), AuthError::MacMismatch);
    for caveats in [0, 1, 2, 15, 16, 17, 63, 64] {
        // Chains of all lengths: what is wrong shows only at the end of the longest.
        let raw = Raw::with(&vec![caveat("Exp", uint(NOW_UNIX_S + 600)); caveats]);
        usual.allows(57, format!("a chain of {caveats}"), raw.token(), &wide());
        let mut mac = raw.mac();
        mac[0] ^= 0x80;
        usual.fails(57, format!("a chain of {caveats}, flipped"), raw.token_with(&bytes(&mac)), AuthError::MacMismatch);
    }
    // Messages of a step at and around the sizes of blocks, windows and buffers.
    for len in [
        0, 1, 3, 4, 28, 29, 30, 31, 32, 33, 60, 61, 62, 63, 64, 65, 127, 128, 129, 191, 192, 193, 223, 224, 255, 256,
        257, 1023, 1024, 1025, 2048, 3000,
    ] {
        let raw = Raw::with(&[caveat("Custom", custom("any", "", bytes(&vec![0x20; len]))), caveat("Nbf", uint(0))]);
        usual.allows(72, format!("a value of {len} bytes"), raw.token(), &wide());
        let other = Raw::with(&[caveat("Custom", custom("any", "", bytes(&vec![0x21; len]))), caveat("Nbf", uint(0))]);
        if len > 0 {
            usual.fails(
                72,
                format!("a value of {len} bytes, changed"),
                other.token_with(&bytes(&raw.mac())),
                AuthError::MacMismatch,
            );
        }
        let raw = Raw { kid: text(&format!("k{}", "1".repeat(len))), ..Raw::with(&[]) };
        let key_of_it = key("acme", &format!("k{}", "1".repeat(len)));
        usual.allows(
            72,
            format!("a key id of {} bytes", len + 1),
            raw.token_with(&bytes(&raw.tags(&key_of_it)[0])),
            &wide(),
        );
    }
    // What one token says is not what the one before it said.
    for (tid, kid) in [
        ("acme", "k1"),
        ("acme", "k2"),
        ("acme", "k"),
        ("acme", "k11"),
        ("other", "k1"),
        ("acmek", "1"),
        ("", "k1"),
        ("acme", ""),
    ] {
        let token = minted_for(tid, kid, &wide(), []);
        match (tid, kid) {
            ("acme", _) => usual.allows(73, format!("{tid}/{kid}"), token, &wide()),
            (_, "1") => usual.fails(73, format!("{tid}/{kid}"), token, AuthError::UnknownKid),
            _ => usual.denies(73, format!("{tid}/{kid}"), token, [super::reasons::tid()]),
        }
    }
    for net in ["10.0.0.0/8", "10.0.0.0/9", "10.0.0.0/7", "11.0.0.0/8"] {
        let token = minted(&wide(), [Caveat::IpCidr(net.into())]);
        if matches!(net, "10.0.0.0/8" | "10.0.0.0/9" | "10.0.0.0/7") {
            usual.allows(73, net, token, &wide());
        } else {
            usual.denies(73, net, token, [super::reasons::ip()]);
        }
    }
    for ns in ["any", "never", "even"] {
        let token = Raw::with(&[caveat("Custom", custom(ns, "n", null()))]).token();
        match ns {
            "any" => usual.allows(73, ns, token, &wide()),
            "never" => usual.denies(73, ns, token, [super::reasons::refused("never n")]),
            _ => usual.denies(73, ns, token, [super::reasons::refused("odd")]),
        }
    }
}
