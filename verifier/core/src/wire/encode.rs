//! Writes the one permitted encoding of a token.

use crate::capability::{Capability, Caveat, Scope};

/// Appends a whole token.
pub fn encode_token(capability: &Capability, out: &mut Vec<u8>) {
    head(MAP, 5, out);
    encode_text("tid", out);
    encode_text(&capability.tid, out);
    encode_text("kid", out);
    encode_text(&capability.kid, out);
    encode_text("scope", out);
    encode_scope(&capability.scope, out);
    encode_text("caveats", out);
    encode_array_head(capability.caveats.len(), out);
    for caveat in &capability.caveats {
        encode_caveat(caveat, out);
    }
    encode_text("mac", out);
    head(BYTES, capability.mac.len() as u64, out);
    out.extend_from_slice(&capability.mac);
}

/// Appends a scope: `{"prefix": text | null, "methods": [text], "max_bytes": uint | null}`.
pub fn encode_scope(scope: &Scope, out: &mut Vec<u8>) {
    head(MAP, 3, out);
    encode_text("prefix", out);
    match &scope.prefix {
        Some(prefix) => encode_text(prefix, out),
        None => out.push(NULL),
    }
    encode_text("methods", out);
    texts(&scope.methods, out);
    encode_text("max_bytes", out);
    match scope.max_bytes {
        Some(bytes) => head(UNSIGNED, bytes, out),
        None => out.push(NULL),
    }
}

/// Appends a caveat: `{"t": name, "v": value}`. The value of a `Custom` is taken as it is.
pub fn encode_caveat(caveat: &Caveat, out: &mut Vec<u8>) {
    head(MAP, 2, out);
    encode_text("t", out);
    let named = |name: &str, out: &mut Vec<u8>| {
        encode_text(name, out);
        encode_text("v", out);
    };
    match caveat {
        Caveat::Exp(at) => {
            named("Exp", out);
            head(UNSIGNED, *at, out);
        }
        Caveat::Nbf(at) => {
            named("Nbf", out);
            head(UNSIGNED, *at, out);
        }
        Caveat::Aud(audience) => {
            named("Aud", out);
            encode_text(audience, out);
        }
        Caveat::Method(methods) => {
            named("Method", out);
            texts(methods, out);
        }
        Caveat::PathPrefix(prefix) => {
            named("PathPrefix", out);
            encode_text(prefix, out);
        }
        Caveat::IpCidr(net) => {
            named("IpCidr", out);
            encode_text(net, out);
        }
        Caveat::BytesLe(bytes) => {
            named("BytesLe", out);
            head(UNSIGNED, *bytes, out);
        }
        Caveat::Rate(rate) => {
            named("Rate", out);
            head(MAP, 2, out);
            encode_text("per_s", out);
            head(UNSIGNED, rate.per_s.into(), out);
            encode_text("burst", out);
            head(UNSIGNED, rate.burst.into(), out);
        }
        Caveat::Tenant(tenant) => {
            named("Tenant", out);
            encode_text(tenant, out);
        }
        Caveat::Amnesia(amnesia) => {
            named("Amnesia", out);
            out.push(if *amnesia { TRUE } else { FALSE });
        }
        Caveat::GovPolicyDigest(digest) => {
            named("GovPolicyDigest", out);
            encode_text(digest, out);
        }
        Caveat::Custom { ns, name, cbor } => {
            named("Custom", out);
            head(MAP, 3, out);
            encode_text("ns", out);
            encode_text(ns, out);
            encode_text("name", out);
            encode_text(name, out);
            encode_text("cbor", out);
            out.extend_from_slice(cbor);
        }
    }
}

/// Appends the head of an array of `len` items.
pub fn encode_array_head(len: usize, out: &mut Vec<u8>) {
    head(ARRAY, len as u64, out);
}

/// Appends a text item.
pub fn encode_text(text: &str, out: &mut Vec<u8>) {
    head(TEXT, text.len() as u64, out);
    out.extend_from_slice(text.as_bytes());
}

const UNSIGNED: u8 = 0 << 5;
const BYTES: u8 = 2 << 5;
const TEXT: u8 = 3 << 5;
const ARRAY: u8 = 4 << 5;
const MAP: u8 = 5 << 5;
const FALSE: u8 = 0xf4;
const TRUE: u8 = 0xf5;
const NULL: u8 = 0xf6;

fn texts(texts: &[impl AsRef<str>], out: &mut Vec<u8>) {
    encode_array_head(texts.len(), out);
    for text in texts {
        encode_text(text.as_ref(), out);
    }
}

/// Appends a head with its argument as short as possible.
fn head(major: u8, argument: u64, out: &mut Vec<u8>) {
    let [.., b4, b5, b6, b7] = argument.to_be_bytes();
    match argument {
        0..=23 => out.push(major | b7),
        24..=0xff => out.extend([major | 24, b7]),
        0x100..=0xffff => out.extend([major | 25, b6, b7]),
        0x1_0000..=0xffff_ffff => out.extend([major | 26, b4, b5, b6, b7]),
        _ => {
            out.push(major | 27);
            out.extend(argument.to_be_bytes());
        }
    }
}
