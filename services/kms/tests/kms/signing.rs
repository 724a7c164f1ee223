use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use ron_kms::{KeyRef, Kms, Rotation, Secret};

use crate::util::{AT_ONCE, Folder, NOW_MS, TestClock, chance, create_both, passport, scheme};

/// RFC 8032, section 7.1, tests 1 to 3 and SHA(abc): secret, public key, message, signature.
const RFC_8032: [[&str; 4]; 4] = [
    [
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b\
         d25bf5f0595bbe24655141438e7a100b",
    ],
    [
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c\
         387b2eaeb4302aeeb00d291612bb0c00",
    ],
    [
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659\
         4a7c15e9716ed28dc027beceea1ec40a",
    ],
    [
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd\
         454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e030\
         3dca179c138ac17ad9bef1177331a704",
    ],
];

/// The worked examples of the deployed passport service, with the secret 00 to 1f: message, signature.
const WORKED: [[&str; 2]; 2] = [
    [
        r#"{"hello":"world"}"#,
        "269d96cd1c374b5c5d0b3be53f2953009ae9e41eb25628661cd0676771fe0a5f510d80eb517161f75cc78ba769a226b1\
         8f432c3814583755f5b3ec6fef284e0b",
    ],
    [
        concat!(
            r#"{"aud":["svc-passport"],"ctx":{"purpose":"handlers_roundtrip"},"nonce":"handlers-test-nonce-001","#,
            r#""scopes":["profile:read","profile:write"],"sub":"passport:main:dev","ttl_s":900}"#
        ),
        "ddd2ddd888ee3487997cc13a5148dcbb5eb57c9953550e46aa84356a82192ce168eef82bb743c37dd0460ebce47369e5\
         41b4b3b9c19a8e511fc449f569c2170d",
    ],
];
const WORKED_PUBLIC_KEY: &str = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8";

async fn sign(secret: [u8; 32], message: &[u8]) -> ([u8; 32], [u8; 64]) {
    let (folder, clock) = (Folder::new(), TestClock::new());
    let kms = folder.open(&clock).await;
    kms.create_ed25519(&passport(), &scheme("v{N}"), Some(Secret::new(secret))).await.unwrap();
    let signed = kms.signer(&passport()).unwrap().sign(message).unwrap();
    (kms.public_key(&passport(), &signed.kid).unwrap(), signed.signature)
}

fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    hex::decode(hex).unwrap().try_into().unwrap()
}

#[tokio::test]
async fn signatures_are_those_of_rfc_8032() {
    for [secret, public_key, message, signature] in RFC_8032 {
        let signed = sign(bytes(secret), &hex::decode(message).unwrap()).await;
        assert_eq!(signed, (bytes(public_key), bytes(signature)));
    }
}

#[tokio::test]
async fn signatures_are_those_of_the_deployed_service() {
    let secret = std::array::from_fn(|place| place as u8);
    for [message, signature] in WORKED {
        assert_eq!(sign(secret, message.as_bytes()).await, (bytes(WORKED_PUBLIC_KEY), bytes(signature)));
    }
}

#[tokio::test]
async fn signatures_are_those_of_another_implementation_byte_for_byte() {
    let (folder, clock) = (Folder::new(), TestClock::new());
    let kms = folder.open(&clock).await;
    for round in 0..4 {
        let secret = std::array::from_fn(|_| chance(256) as u8);
        let other = SigningKey::from_bytes(&secret);
        let key = KeyRef::ed25519("svc-passport", &format!("k{round}")).unwrap();
        kms.create_ed25519(&key, &scheme(&format!("k{round}/v{{N}}")), Some(Secret::new(secret))).await.unwrap();
        let signer = kms.signer(&key).unwrap();
        assert_eq!(kms.public_keys(&key).unwrap()[0].bytes, other.verifying_key().to_bytes());
        for len in (0..300).step_by(23) {
            let message: Vec<u8> = (0..len).map(|_| chance(256) as u8).collect();
            assert_eq!(signer.sign(&message).unwrap().signature, other.sign(&message).to_bytes());
        }
    }
}

// In the deployed service a rotation at the wrong moment gives a signature of the new key the old key id, and a key id
// to a signature before anybody can look it up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signature_always_verifies_with_the_key_of_its_own_id_while_keys_rotate() {
    let (folder, clock) = (Folder::new(), TestClock::new());
    let kms = folder.open(&clock).await;
    create_both(&kms).await;
    let rotating = tokio::spawn({
        let kms = kms.clone();
        async move {
            for _ in 0..60 {
                kms.rotate(&passport(), AT_ONCE).await.unwrap();
            }
        }
    });
    let signed = tokio::task::block_in_place(|| {
        let signer = kms.signer(&passport()).unwrap();
        let mut signatures = BTreeMap::new();
        while !rotating.is_finished() {
            let signed = signer.sign(b"a message").unwrap();
            let found = kms.public_key(&passport(), &signed.kid).expect("a fresh key id is known");
            assert!(kms.public_keys(&passport()).unwrap().iter().any(|key| key.bytes == found));
            // The same key signs the same message alike.
            assert_eq!(signatures.entry(signed.kid).or_insert((found, signed.signature)).1, signed.signature);
        }
        signatures
    });
    rotating.await.unwrap();
    assert!(signed.len() > 3, "it signed while keys were rotated");
    for (public_key, signature) in signed.values() {
        VerifyingKey::from_bytes(public_key).unwrap().verify_strict(b"a message", &signature.into()).unwrap();
    }
}

// Chance does not hit the moment between two looks: this clock does, as whoever looks twice sees two times.
#[tokio::test]
async fn a_signature_has_the_key_id_of_its_key_at_the_very_moment_another_takes_over() {
    let (folder, looks, is_torn) = (Folder::new(), AtomicU64::new(0), Arc::new(AtomicBool::new(false)));
    let clock = {
        let is_torn = is_torn.clone();
        move || match is_torn.load(Ordering::SeqCst) {
            true => NOW_MS + 1000 * (looks.fetch_add(1, Ordering::SeqCst) % 2),
            false => NOW_MS,
        }
    };
    let kms = Kms::open(folder.config(), Arc::new(clock)).await.unwrap();
    create_both(&kms).await;
    kms.rotate(&passport(), Rotation { lead: Duration::from_secs(1), grace: None }).await.unwrap();
    is_torn.store(true, Ordering::SeqCst);
    let signer = kms.signer(&passport()).unwrap();
    let mut kids = BTreeSet::new();
    for _ in 0..20 {
        let signed = signer.sign(b"a message").unwrap();
        let public_key = kms.public_key(&passport(), &signed.kid).unwrap();
        // Three looks in a turn, so that each of the two times comes first.
        let _ = kms.public_key(&passport(), &signed.kid);
        let key = VerifyingKey::from_bytes(&public_key).unwrap();
        key.verify_strict(b"a message", &signed.signature.into()).expect("one version's key id, another's signature");
        kids.insert(signed.kid);
    }
    assert_eq!(kids.len(), 2, "it signed before and after");
}
