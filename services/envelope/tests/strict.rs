//! A key decides as strict verification does, on whatever somebody could make up: with a table of multiples and
//! without, alone and among others.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

use std::sync::LazyLock;

use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::Scalar;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use proptest::prelude::*;
use ron_envelope::{PublicKey, verify_batch};
use sha2::{Digest, Sha512};

/// Whose signatures stand beside others in a batch, and a signature of "good".
static NEIGHBOUR: LazyLock<(PublicKey, [u8; 64])> = LazyLock::new(|| {
    let key = PublicKey::new(signing_key().verifying_key().to_bytes()).unwrap().with_table();
    (key, signing_key().sign(b"good").to_bytes())
});

/// A key: the reference's, and ours without and with a table.
struct Key(Option<(VerifyingKey, [PublicKey; 2])>);

impl Key {
    fn new(bytes: [u8; 32]) -> Self {
        let reference = VerifyingKey::from_bytes(&bytes).ok();
        let ours = [PublicKey::new(bytes), PublicKey::new(bytes).map(PublicKey::with_table)].map(Result::ok);
        assert!(ours.iter().all(|key| key.is_some() == reference.is_some()), "key {}", hex::encode(bytes));
        Self(reference.zip(ours[0].is_some().then(|| ours.map(Option::unwrap))))
    }

    /// What strict verification says, and that our keys say the same.
    fn strict(&self, message: &[u8], signature: &[u8]) -> bool {
        let Some((reference, ours)) = &self.0 else { return false };
        let expected = Signature::from_slice(signature).is_ok_and(|it| reference.verify_strict(message, &it).is_ok());
        for key in ours {
            assert_eq!(key.verify(message, signature), expected, "{key:?} {}", hex::encode(signature));
        }
        let (neighbour, good) = &*NEIGHBOUR;
        let [plain, tabled] = ours;
        let batch = [
            (plain, message, signature),
            (neighbour, b"good", &good[..]),
            (tabled, message, signature),
            (neighbour, b"bad", &good[..]),
        ];
        assert_eq!(verify_batch(batch), [expected, true, expected, false], "{}", hex::encode(signature));
        expected
    }
}

fn strict(key: [u8; 32], message: &[u8], signature: &[u8]) -> bool {
    Key::new(key).strict(message, signature)
}

fn signing_key() -> SigningKey {
    SigningKey::from_bytes(&std::array::from_fn(|index| index as u8))
}

fn challenge(commitment: [u8; 32], key: [u8; 32], message: &[u8]) -> Scalar {
    let hash = Sha512::new().chain_update(commitment).chain_update(key).chain_update(message).finalize();
    Scalar::from_bytes_mod_order_wide(&hash.into())
}

fn joined(commitment: [u8; 32], scalar: [u8; 32]) -> Vec<u8> {
    [commitment, scalar].concat()
}

/// `2^255 - 19` and what lies above it are other spellings of 0 to 18.
fn spelled_otherwise(small: u8, sign: bool) -> [u8; 32] {
    let mut bytes = [0xff; 32];
    bytes[0] = 0xed + small;
    bytes[31] = if sign { 0xff } else { 0x7f };
    bytes
}

#[test]
fn good_signatures_hold_and_any_flipped_bit_is_noticed() {
    let (key, message) = (signing_key(), b"a message".to_vec());
    let (public, signature) = (key.verifying_key().to_bytes(), key.sign(&message).to_bytes());
    assert!(strict(public, &message, &signature));
    assert!(strict(public, &[], &key.sign(&[]).to_bytes()));
    let ours = Key::new(public);
    for bit in 0..512 {
        let mut flipped = signature;
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(!ours.strict(&message, &flipped), "bit {bit}");
    }
    for bit in 0..256 {
        let mut flipped = public;
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(!strict(flipped, &message, &signature), "bit {bit} of the key");
    }
    for bit in 0..message.len() * 8 {
        let mut flipped = message.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(!ours.strict(&flipped, &signature), "bit {bit} of the message");
    }
}

#[test]
fn a_signature_has_64_bytes() {
    let (key, message) = (signing_key(), b"a message");
    let signature = key.sign(message).to_bytes();
    for len in 0..64 {
        assert!(!strict(key.verifying_key().to_bytes(), message, &signature[..len]));
    }
    assert!(!strict(key.verifying_key().to_bytes(), message, &[&signature[..], &[0]].concat()));
}

#[test]
fn a_scalar_has_one_spelling() {
    // The order of the base point, in bytes from the lowest.
    let order = hex::decode("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010").unwrap();
    let (key, message) = (signing_key(), b"a message");
    let mut signature = key.sign(message).to_bytes();
    let mut carry = 0_u16;
    for (byte, added) in signature[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(added) + carry;
        (*byte, carry) = (sum as u8, sum >> 8);
    }
    assert!(!strict(key.verifying_key().to_bytes(), message, &signature));
}

#[test]
fn points_of_small_order_are_nobodys_key_and_no_commitment() {
    let mut encodings: Vec<[u8; 32]> = EIGHT_TORSION.iter().map(|point| point.compress().to_bytes()).collect();
    // The neutral point and the one of order two with the wrong sign, and every spelling from the prime on.
    encodings.extend([[1, 0], [0xec, 0xff]].map(|[low, fill]| {
        let mut bytes = [fill; 32];
        (bytes[0], bytes[31]) = (low, if fill == 0 { 0x80 } else { 0xff });
        bytes
    }));
    encodings.extend((0..19).flat_map(|small| [false, true].map(|sign| spelled_otherwise(small, sign))));
    let honest = signing_key();
    let (public, signature) = (honest.verifying_key().to_bytes(), honest.sign(b"").to_bytes());
    let scalars = [[0; 32], Scalar::ONE.to_bytes(), signature[32..].try_into().unwrap()];
    for key in encodings.iter().chain([&public]).map(|bytes| Key::new(*bytes)) {
        for commitment in encodings.iter().chain([&public]) {
            for scalar in scalars {
                for message in [&b""[..], b"0", b"1", b"2", b"3", b"4", b"5", b"6", b"7"] {
                    assert!(!key.strict(message, &joined(*commitment, scalar)));
                }
            }
        }
    }
}

#[test]
fn a_key_or_commitment_with_a_part_of_small_order_is_treated_alike() {
    let (secret, nonce) = (Scalar::from(7_777_777_u64), Scalar::from(1_234_567_u64));
    let mut held = 0;
    for key_part in EIGHT_TORSION {
        let key = (ED25519_BASEPOINT_POINT * secret + key_part).compress().to_bytes();
        let ours = Key::new(key);
        for commitment_part in EIGHT_TORSION {
            for message in 0..16_u8 {
                let commitment = (ED25519_BASEPOINT_POINT * nonce + commitment_part).compress().to_bytes();
                let scalar = nonce + challenge(commitment, key, &[message]) * secret;
                held += u32::from(ours.strict(&[message], &joined(commitment, scalar.to_bytes())));
            }
        }
    }
    // One in eight commitments fits, whatever the key's part is; a check of all at once would let more of them pass.
    assert!((64..256).contains(&held), "{held}");
}

#[test]
fn parts_of_small_order_that_cancel_each_other_do_not_pass_as_a_batch() {
    // Two commitments with parts that add up to nothing: the equation of a batch cannot be sure to see them.
    let (secret, nonce) = (Scalar::from(7_777_777_u64), Scalar::from(1_234_567_u64));
    let key = (ED25519_BASEPOINT_POINT * secret).compress().to_bytes();
    let ours = Key::new(key);
    let signed = |part: EdwardsPoint, message: &[u8]| {
        let commitment = (ED25519_BASEPOINT_POINT * nonce + part).compress().to_bytes();
        joined(commitment, (nonce + challenge(commitment, key, message) * secret).to_bytes())
    };
    let [plain, tabled] = &ours.0.as_ref().unwrap().1;
    for part in EIGHT_TORSION {
        let (one, other) = (signed(part, b"one"), signed(-part, b"other"));
        let expected = [ours.strict(b"one", &one), ours.strict(b"other", &other)];
        assert_eq!(expected, [part == EIGHT_TORSION[0]; 2]);
        for key in [plain, tabled] {
            assert_eq!(verify_batch([(key, &b"one"[..], &one[..]), (key, b"other", &other)]), expected);
        }
    }
}

#[test]
fn an_empty_batch_has_no_outcomes_and_a_long_one_has_them_in_order() {
    assert!(verify_batch([]).is_empty());
    let (signing, message) = (signing_key(), b"a message");
    let good = signing.sign(message).to_bytes();
    let keys = [PublicKey::new([0; 32]).unwrap(), PublicKey::new(signing.verifying_key().to_bytes()).unwrap()];
    let key = |place: usize| &keys[usize::from(!place.is_multiple_of(3))];
    let signature = |place: usize| if place.is_multiple_of(5) { &good[..63] } else { &good[..] };
    let items = (0..600).map(|place| (key(place), &message[..], signature(place)));
    let expected: Vec<bool> =
        (0..600).map(|place: usize| !place.is_multiple_of(3) && !place.is_multiple_of(5)).collect();
    assert_eq!(verify_batch(items), expected);
}

#[test]
fn what_encodes_no_point_is_no_key() {
    let refused = (0..=255_u8).filter(|byte| PublicKey::new([*byte; 32]).is_err()).count();
    assert!((64..192).contains(&refused), "about half of all texts are no point: {refused} of 256");
}

#[test]
fn the_worked_example_holds() {
    let public = signing_key().verifying_key().to_bytes();
    assert_eq!(hex::encode(public), "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8");
    let envelope: ron_envelope::Envelope = serde_json::from_str(concat!(
        r#"{"alg":"Ed25519","aud":"svc-passport","kid":"ed25519/default/v1","msg_b64":"eyJoZWxsbyI6IndvcmxkIn0=","#,
        r#""sig_b64":"Jp2WzRw3S1xdCzvlPylTAJrp5B6yVihmHNBnZ3H+Cl9RDYDrUXFh91zHi6dpoiaxj0MsOBRYN1X1s+xv7yhOCw=="}"#
    ))
    .unwrap();
    let decoded = envelope.decode(ron_envelope::AudienceRule::Required).unwrap();
    assert_eq!(decoded.message, ron_envelope::canonical_json(br#" {"hello" : "world"}"#).unwrap());
    assert!(strict(public, &decoded.message, &decoded.signature));
    let signature = signing_key().sign(&decoded.message).to_bytes();
    let again = ron_envelope::Envelope::seal(&envelope.kid, envelope.aud.as_deref(), &decoded.message, &signature);
    assert_eq!(again, envelope);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn anything_at_all_is_treated_alike(
        secret: [u8; 32], key: [u8; 32], message: Vec<u8>, signature: Vec<u8>, whole in any::<[[u8; 32]; 2]>(),
    ) {
        let honest = SigningKey::from_bytes(&secret);
        let signed = honest.sign(&message).to_bytes();
        prop_assert!(strict(honest.verifying_key().to_bytes(), &message, &signed));
        strict(key, &message, &signed);
        strict(honest.verifying_key().to_bytes(), &message, &signature);
        strict(honest.verifying_key().to_bytes(), &message, &whole.concat());
        let point = EdwardsPoint::mul_base(&Scalar::from_bytes_mod_order(key)).compress().to_bytes();
        strict(point, &message, &whole.concat());
    }
}
