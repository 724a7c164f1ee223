use std::time::Duration;

use ron_auth::{
    AuthError, CapabilityBuilder, KeyName, MacKeyProvider, RequestCtx, Scope, VerifierConfig, verify_each, verify_token,
};
use ron_kms::{KeyRef, Kms, KmsError, MintingKey, Rotation, Secret, VersionState};

use crate::util::{AT_ONCE, Folder, NOW_MS, TestClock, create_both, eventually, mac, passport, scheme};

fn token(minting: &MintingKey) -> String {
    let token = CapabilityBuilder::new("acme", &*minting.kid, Scope::new("/", ["GET"])).sign(&minting.key).unwrap();
    token.to_base64url()
}

/// Whether a token is genuine at a time.
fn verify(kms: &Kms, token: &str, now_unix_s: u64) -> Result<(), AuthError> {
    let ctx = RequestCtx::new(now_unix_s, "GET", "/", "acme");
    let keys = kms.mac_snapshot();
    verify_token(&VerifierConfig::default(), token, &ctx, &keys.at(now_unix_s)).map(|_| ())
}

fn states(kms: &Kms, key: &KeyRef) -> Vec<VersionState> {
    let keys = kms.attest().keys;
    let meta = keys.iter().find(|meta| meta.key == *key).unwrap();
    meta.versions.iter().map(|version| version.state).collect()
}

#[tokio::test]
async fn tokens_of_a_key_verify_while_it_is_announced_active_and_in_grace_and_are_counted_afterwards() {
    use VersionState::{Active, Announced, Retired, VerifyOnly};
    let (folder, clock) = (Folder::new(), TestClock::new());
    let kms = folder.open(&clock).await;
    create_both(&kms).await;
    let old = token(&kms.minting_key(&mac()).unwrap());
    let rotation = Rotation { lead: Duration::from_secs(10), grace: Some(Duration::from_secs(600)) };
    let made = kms.rotate(&mac(), rotation).await.unwrap();
    assert_eq!((made.version, &*made.kid), (2, "tokens-v2"));
    assert_eq!(made.active_from_unix_ms, Some(NOW_MS + 10_000));
    assert_eq!(&*kms.minting_key(&mac()).unwrap().kid, "tokens-v1", "the new one is only announced");
    assert_eq!(states(&kms, &mac()), [Active, Announced]);

    clock.set(NOW_MS + 10_000);
    let new = token(&kms.minting_key(&mac()).unwrap());
    assert_eq!(states(&kms, &mac()), [VerifyOnly, Active]);
    let now_s = NOW_MS / 1000;
    for (at_s, old_verifies) in [(now_s, true), (now_s + 609, true), (now_s + 610, false), (u64::MAX, false)] {
        let expected = if old_verifies { Ok(()) } else { Err(AuthError::UnknownKid) };
        assert_eq!(verify(&kms, &old, at_s), expected, "at {at_s}");
        assert_eq!(verify(&kms, &new, at_s), Ok(()), "at {at_s}");
    }
    let before = kms.generation();
    clock.set(NOW_MS + 610_000);
    assert_eq!(states(&kms, &mac()), [Retired, Active]);
    eventually("a snapshot without its secret", async || kms.generation() > before).await;

    // Whoever made up a name is not counted, and takes no memory.
    let unknown = MintingKey { kid: "tokens-v9".into(), ..kms.minting_key(&mac()).unwrap() };
    assert_eq!(verify(&kms, &token(&unknown), now_s + 700), Err(AuthError::UnknownKid));
    assert_eq!(verify(&kms, &old, now_s + 700), Err(AuthError::UnknownKid));
    let uses = kms.retired_uses();
    assert_eq!((uses.total, uses.latest.len()), (3, 1));
    assert_eq!((&*uses.latest[0].tenant, &*uses.latest[0].kid, uses.latest[0].count), ("acme", "tokens-v1", 3));
    assert_eq!(uses.latest[0].last_seen_unix_s, u64::MAX);

    // It comes back where the clock goes back.
    clock.set(NOW_MS);
    eventually("a snapshot with it again", async || verify(&kms, &old, now_s).is_ok()).await;
}

#[tokio::test]
async fn a_version_that_was_announced_takes_over_without_being_unknown_to_anybody() {
    let (folder, clock) = (Folder::new(), TestClock::new());
    let kms = folder.open(&clock).await;
    create_both(&kms).await;
    let announced = kms.announce(&passport()).await.unwrap();
    assert_eq!((announced.version, announced.active_from_unix_ms), (2, None));
    assert_eq!(kms.announce(&passport()).await.unwrap(), announced, "once more changes nothing");
    let kids =
        |kms: &Kms| -> Vec<_> { kms.public_keys(&passport()).unwrap().iter().map(|key| key.kid.to_string()).collect() };
    assert_eq!(kids(&kms), ["ed25519/default/v1", "ed25519/default/v2"], "in order of creation");
    assert_eq!(&*kms.signer(&passport()).unwrap().current_kid().unwrap(), "ed25519/default/v1");
    let rotated = kms.rotate(&passport(), AT_ONCE).await.unwrap();
    assert_eq!((rotated.version, rotated.active_from_unix_ms), (2, Some(NOW_MS)));
    assert_eq!(&*kms.signer(&passport()).unwrap().current_kid().unwrap(), "ed25519/default/v2");
    assert_eq!(kids(&kms).len(), 2);
}

#[tokio::test]
async fn keys_are_derived_from_a_root_when_a_token_names_them() {
    let (folder, clock) = (Folder::new(), TestClock::new());
    let kms = folder.open(&clock).await;
    let root = KeyRef::mac_root("acme", "devices").unwrap();
    kms.create_mac_root(&root, &scheme("dev{N}"), Some(Secret::new([7; 32]))).await.unwrap();
    let device = kms.derived_minting_key(&root, "device-42").unwrap();
    assert_eq!(&*device.kid, "dev1:device-42");
    // Written out: what another implementation has to do.
    let key = blake3::derive_key(ron_kms::ROOT_CONTEXT, &[7; 32]);
    let expected = blake3::keyed_hash(&key, b"\x04\0\0\0\0\0\0\0acmedev1:device-42");
    assert_eq!(device.key.as_bytes(), expected.as_bytes());

    let now_s = NOW_MS / 1000;
    assert_eq!(verify(&kms, &token(&device), now_s), Ok(()));
    let other = MintingKey { kid: "dev1:device-43".into(), key: device.key.clone() };
    assert_eq!(verify(&kms, &token(&other), now_s), Err(AuthError::MacMismatch), "each label has a key of its own");
    let snapshot = kms.mac_snapshot();
    let long = format!("dev1:{}", "x".repeat(129));
    for kid in ["dev1", "dev1:", "dev2:device-42", ":device-42", "", &long] {
        assert!(snapshot.at(now_s).key_for(KeyName { tid: "acme", kid }).is_none(), "{kid}");
    }
    assert!(snapshot.at(now_s).key_for(KeyName { tid: "other", kid: &device.kid }).is_none());

    kms.rotate(&root, Rotation { lead: Duration::ZERO, grace: Some(Duration::from_secs(60)) }).await.unwrap();
    assert_eq!(&*kms.derived_minting_key(&root, "device-42").unwrap().kid, "dev2:device-42");
    let tokens = [token(&device), token(&kms.derived_minting_key(&root, "device-42").unwrap())];
    let ctx = RequestCtx::new(now_s + 60, "GET", "/", "acme");
    let keys = kms.mac_snapshot();
    let outcomes = verify_each(&VerifierConfig::default(), &tokens, &ctx, &keys.at(now_s + 60));
    assert_eq!(outcomes[0].as_ref().err(), Some(&AuthError::UnknownKid));
    assert!(outcomes[1].is_ok());
    assert_eq!(kms.retired_uses().latest[0].kid, "dev1");
    for label in ["", "a\nb", &"x".repeat(129)] {
        assert!(matches!(kms.derived_minting_key(&root, label), Err(KmsError::BadName { .. })), "{label:?}");
    }
}

#[tokio::test]
async fn what_signs_cannot_be_retired_and_what_is_retired_by_hand_stays_so_at_any_time() {
    let (folder, clock) = (Folder::new(), TestClock::new());
    let kms = folder.open(&clock).await;
    create_both(&kms).await;
    let old = token(&kms.minting_key(&mac()).unwrap());
    assert!(matches!(kms.retire(&mac(), 1).await, Err(KmsError::StillSigns { version: 1, .. })));
    let soon = Rotation { lead: Duration::from_secs(10), grace: None };
    kms.rotate(&mac(), soon).await.unwrap();
    for version in [1, 2] {
        assert!(matches!(kms.retire(&mac(), version).await, Err(KmsError::StillSigns { .. })), "version {version}");
    }
    clock.set(NOW_MS + 10_000);
    kms.retire(&mac(), 1).await.unwrap();
    kms.retire(&mac(), 1).await.unwrap();
    clock.set(NOW_MS - 1);
    assert_eq!(verify(&kms, &old, NOW_MS / 1000 - 1), Err(AuthError::UnknownKid));
    assert_eq!(&*kms.minting_key(&mac()).unwrap().kid, "tokens-v2", "something signs, wherever the clock is");
    assert!(matches!(kms.retire(&mac(), 3).await, Err(KmsError::NoVersion { version: 3, .. })));
}

#[tokio::test]
async fn names_that_are_taken_or_unknown_or_of_another_kind_are_refused() {
    let (folder, clock) = (Folder::new(), TestClock::new());
    let kms = folder.open(&clock).await;
    create_both(&kms).await;
    let other = KeyRef::mac("acme", "other").unwrap();
    let create = kms.create_mac(&mac(), &scheme("other{N}"), None).await;
    assert!(matches!(create, Err(KmsError::Exists(_))));
    let create = kms.create_mac(&other, &scheme("tokens-v{N}"), None).await;
    assert!(matches!(create, Err(KmsError::KidTaken { .. })));
    let create = kms.create_mac(&other, &scheme("o{N}"), Some(Secret::new([0; 32]))).await;
    assert!(matches!(create, Err(KmsError::WeakSecret(_))));
    // Its second version will be called as the second one of the first key.
    kms.create_mac(&other, &scheme("tokens-v{N}0"), None).await.unwrap();
    for version in 2..10 {
        assert_eq!(kms.rotate(&mac(), AT_ONCE).await.unwrap().version, version);
    }
    assert!(matches!(kms.rotate(&mac(), AT_ONCE).await, Err(KmsError::KidTaken { .. })));
    assert!(matches!(kms.create_mac(&passport(), &scheme("x{N}"), None).await, Err(KmsError::WrongKind(_))));
    assert!(matches!(kms.signer(&mac()), Err(KmsError::WrongKind(_))));
    assert!(matches!(kms.minting_key(&passport()), Err(KmsError::WrongKind(_))));
    let nobody = KeyRef::ed25519("nobody", "none").unwrap();
    assert!(matches!(kms.signer(&nobody), Err(KmsError::NotFound(_))));
    assert!(matches!(kms.rotate(&nobody, AT_ONCE).await, Err(KmsError::NotFound(_))));
    assert!(matches!(kms.public_keys(&nobody), Err(KmsError::NotFound(_))));
}

#[tokio::test]
async fn attestation_tells_versions_and_states_and_no_secret() {
    let (folder, clock) = (Folder::new(), TestClock::new());
    let kms = folder.open(&clock).await;
    let secret = Secret::new([0xa7; 32]);
    kms.create_mac(&mac(), &scheme("tokens-v{N}"), Some(secret.clone())).await.unwrap();
    kms.create_ed25519(&passport(), &scheme("ed25519/default/v{N}"), Some(secret)).await.unwrap();
    kms.rotate(&passport(), Rotation::default()).await.unwrap();
    let attested = serde_json::to_value(kms.attest()).unwrap();
    let passport_key = &attested["keys"][1];
    assert_eq!(passport_key["kind"], "ed25519");
    assert_eq!(passport_key["current_version"], 1);
    assert_eq!(passport_key["versions"][0]["state"], "active");
    assert_eq!(passport_key["versions"][1]["state"], "announced");
    assert_eq!(passport_key["versions"][0]["public_key"].as_str().unwrap().len(), 64);
    for shown in [attested.to_string(), format!("{kms:?} {:?}", kms.minting_key(&mac()).unwrap())] {
        assert!(!shown.contains("a7a7") && !shown.contains("167, 167"), "{shown}");
    }
}
