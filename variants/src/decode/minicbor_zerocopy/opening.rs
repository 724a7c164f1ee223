//! What a caveat begins with: a map of two, its kind under the key `t`, and the key `v` of its value. Of `Custom`, also
//! the first key of that value.

pub(super) const EXP: &[u8; 9] = b"\xa2\x61t\x63Exp\x61v";
pub(super) const NBF: &[u8; 9] = b"\xa2\x61t\x63Nbf\x61v";
pub(super) const AUD: &[u8; 9] = b"\xa2\x61t\x63Aud\x61v";
pub(super) const METHOD: &[u8; 12] = b"\xa2\x61t\x66Method\x61v";
pub(super) const PATH_PREFIX: &[u8; 16] = b"\xa2\x61t\x6aPathPrefix\x61v";
pub(super) const IP_CIDR: &[u8; 12] = b"\xa2\x61t\x66IpCidr\x61v";
pub(super) const BYTES_LE: &[u8; 13] = b"\xa2\x61t\x67BytesLe\x61v";
pub(super) const RATE: &[u8; 10] = b"\xa2\x61t\x64Rate\x61v";
pub(super) const TENANT: &[u8; 12] = b"\xa2\x61t\x66Tenant\x61v";
pub(super) const AMNESIA: &[u8; 13] = b"\xa2\x61t\x67Amnesia\x61v";
pub(super) const GOV_POLICY_DIGEST: &[u8; 21] = b"\xa2\x61t\x6fGovPolicyDigest\x61v";
pub(super) const CUSTOM: &[u8; 16] = b"\xa2\x61t\x66Custom\x61v\xa3\x62ns";

/// The first eight bytes as a word: no two kinds have them in common.
pub(super) const fn word<const N: usize>(opening: &[u8; N]) -> u64 {
    match opening.first_chunk() {
        Some(first) => u64::from_ne_bytes(*first),
        None => 0,
    }
}
