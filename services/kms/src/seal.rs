//! Secrets at rest: AES-256-GCM-SIV of AWS-LC, the library that signs as well, with a random nonce. Chosen over plain
//! GCM since a nonce that comes twice, as after a virtual machine was set back, gives away no more than that two rows
//! are equal.
//!
//! A sealed row is `01 ‖ fingerprint of the master key (8) ‖ nonce (12) ‖ ciphertext (32) ‖ tag (16)`. What it was
//! sealed for is authenticated with it: the store, the kind, tenant and name of the key, the number of the version, its
//! key id and its public key. So a row that is put in the place of another does not open. Its times are not: they
//! change.

use std::collections::BTreeMap;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use zeroize::Zeroizing;

use crate::key::KeyRef;
use crate::{KmsError, Secret};

const FORMAT: u8 = 1;
const ID_LEN: usize = 8;
const SEALING_KEY: &str = "ron-kms 2026-11-28 master key to sealing key";
const FINGERPRINT: &str = "ron-kms 2026-11-28 master key to fingerprint";
const CANARY: &[u8; 32] = b"ron-kms: this is the right store";

/// Tells master keys apart. Says nothing of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MasterId([u8; ID_LEN]);

impl MasterId {
    pub(crate) fn of(master: &Secret) -> Self {
        let mut id = [0; ID_LEN];
        let hash = blake3::Hasher::new_derive_key(FINGERPRINT).update(master.as_bytes()).finalize();
        id.iter_mut().zip(hash.as_bytes()).for_each(|(to, from)| *to = *from);
        Self(id)
    }

    pub(crate) fn to_hex(self) -> String {
        hex::encode(self.0)
    }
}

/// What a secret is sealed for.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) key: &'a KeyRef,
    pub(crate) version: u32,
    pub(crate) kid: &'a str,
    pub(crate) public_key: Option<&'a [u8; 32]>,
}

/// The master keys that were given. Which of them a store is sealed under, its canary says: all its rows are under that
/// one, and new ones too, whichever process makes them, until [`Kms::reseal`](crate::Kms::reseal) changes all at once.
pub(crate) struct Sealer {
    current: MasterId,
    keys: BTreeMap<MasterId, RandomizedNonceKey>,
    /// Where the current one came from, for messages.
    place: String,
}

impl Sealer {
    /// The master key that is to seal, and previous ones.
    pub(crate) fn new(current: &Secret, place: String, previous: &[Secret]) -> Result<Self, KmsError> {
        let mut keys = BTreeMap::new();
        for master in previous.iter().chain([current]) {
            let sealing_key = Zeroizing::new(blake3::derive_key(SEALING_KEY, master.as_bytes()));
            let aead = RandomizedNonceKey::new(&AES_256_GCM_SIV, &sealing_key[..]).map_err(|_| KmsError::Random)?;
            keys.insert(MasterId::of(master), aead);
        }
        Ok(Self { current: MasterId::of(current), keys, place })
    }

    /// The master key that is to seal.
    pub(crate) const fn current(&self) -> MasterId {
        self.current
    }

    /// Seals a row.
    ///
    /// # Errors
    /// [`KmsError::WrongMasterKey`] if the master key is not here.
    pub(crate) fn seal(
        &self,
        under: MasterId,
        store_id: &[u8],
        place: Place<'_>,
        secret: &Secret,
    ) -> Result<Vec<u8>, KmsError> {
        self.seal_bytes(under, &associated(store_id, place), secret.as_bytes())
    }

    /// Opens a row.
    ///
    /// # Errors
    /// [`KmsError::WrongMasterKey`] if its master key is not here, [`KmsError::Tampered`] if it does not open with it.
    pub(crate) fn open(&self, store_id: &[u8], place: Place<'_>, sealed: &[u8]) -> Result<Secret, KmsError> {
        let tampered = || KmsError::Tampered { key: place.key.clone(), version: place.version };
        let opened = self.open_bytes(&associated(store_id, place), sealed)?;
        opened.and_then(|bytes| Secret::from_slice(&bytes)).ok_or_else(tampered)
    }

    /// A text under the current master key that no other opens, so that a wrong one is told from a store that was
    /// changed.
    pub(crate) fn seal_canary(&self, store_id: &[u8]) -> Result<Vec<u8>, KmsError> {
        self.seal_bytes(self.current, &associated_canary(store_id), CANARY)
    }

    /// Which master key a canary is under; `None` if it does not open.
    ///
    /// # Errors
    /// [`KmsError::WrongMasterKey`] if that is not here.
    pub(crate) fn check_canary(&self, store_id: &[u8], sealed: &[u8]) -> Result<Option<MasterId>, KmsError> {
        let opened = self.open_bytes(&associated_canary(store_id), sealed)?;
        let under = parse(sealed).map(|(id, ..)| id);
        Ok(under.filter(|_| opened.is_some_and(|bytes| bytes[..] == CANARY[..])))
    }

    fn master(&self, id: MasterId) -> Result<&RandomizedNonceKey, KmsError> {
        self.keys.get(&id).ok_or_else(|| KmsError::WrongMasterKey {
            sealed_under: id.to_hex(),
            given: self.current.to_hex(),
            place: self.place.clone(),
        })
    }

    fn seal_bytes(&self, under: MasterId, associated: &[u8], secret: &[u8; 32]) -> Result<Vec<u8>, KmsError> {
        let aead = self.master(under)?;
        // Room for the tag: a vector that grows leaves what it held behind.
        let mut in_out = Zeroizing::new(Vec::with_capacity(64));
        in_out.extend_from_slice(secret);
        let nonce = aead.seal_in_place_append_tag(Aad::from(associated), &mut *in_out).map_err(|_| KmsError::Random)?;
        Ok([&[FORMAT][..], &under.0, nonce.as_ref(), &in_out].concat())
    }

    fn open_bytes(&self, associated: &[u8], sealed: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, KmsError> {
        let Some((id, nonce, text)) = parse(sealed) else { return Ok(None) };
        let aead = self.master(id)?;
        let mut in_out = Zeroizing::new(text.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let Ok(opened) = aead.open_in_place(nonce, Aad::from(associated), &mut in_out) else { return Ok(None) };
        let opened_len = opened.len();
        in_out.truncate(opened_len);
        Ok(Some(in_out))
    }
}

fn parse(sealed: &[u8]) -> Option<(MasterId, &[u8; NONCE_LEN], &[u8])> {
    let (format, rest) = sealed.split_first()?;
    let (id, rest) = rest.split_first_chunk()?;
    let (nonce, text) = rest.split_first_chunk()?;
    (*format == FORMAT).then_some((MasterId(*id), nonce, text))
}

/// Each part with its length before it, so that no two places look alike.
fn associated(store_id: &[u8], place: Place<'_>) -> Vec<u8> {
    let (kind, version) = (place.key.kind().as_str().as_bytes(), place.version.to_le_bytes());
    let public_key = place.public_key.map_or(&[][..], |key| &key[..]);
    framed(&[
        b"ron-kms version",
        store_id,
        kind,
        place.key.tenant().as_bytes(),
        place.key.name().as_bytes(),
        &version,
        place.kid.as_bytes(),
        public_key,
    ])
}

fn associated_canary(store_id: &[u8]) -> Vec<u8> {
    framed(&[b"ron-kms canary", store_id])
}

fn framed(parts: &[&[u8]]) -> Vec<u8> {
    let mut framed = Vec::new();
    for part in parts {
        framed.extend_from_slice(&(part.len() as u64).to_le_bytes());
        framed.extend_from_slice(part);
    }
    framed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(current: u8, previous: &[u8]) -> Sealer {
        let secret = |byte: &u8| Secret::new([*byte; 32]);
        Sealer::new(&secret(&current), "a test".into(), &previous.iter().map(secret).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn a_sealed_secret_opens_in_its_own_place_only() {
        let (sealer, key, secret) = (sealer(1, &[]), KeyRef::mac("acme", "default").unwrap(), Secret::new([7; 32]));
        let place = Place { key: &key, version: 1, kid: "k1", public_key: None };
        let sealed = sealer.seal(sealer.current(), b"store", place, &secret).unwrap();
        assert_eq!(sealed.len(), 1 + 8 + 12 + 32 + 16);
        assert_eq!(sealer.open(b"store", place, &sealed).unwrap().as_bytes(), secret.as_bytes());
        let again = sealer.seal(sealer.current(), b"store", place, &secret).unwrap();
        assert_ne!(sealed, again, "a nonce is drawn for each");

        let others = [
            KeyRef::mac("acme", "other").unwrap(),
            KeyRef::mac("other", "default").unwrap(),
            KeyRef::mac_root("acme", "default").unwrap(),
            KeyRef::mac("acmedef", "ault").unwrap(),
        ];
        let mut elsewhere: Vec<Place<'_>> = others.iter().map(|key| Place { key, ..place }).collect();
        elsewhere.push(Place { version: 2, ..place });
        elsewhere.push(Place { kid: "k2", ..place });
        elsewhere.push(Place { public_key: Some(&[0; 32]), ..place });
        for place in elsewhere {
            assert!(matches!(sealer.open(b"store", place, &sealed), Err(KmsError::Tampered { .. })));
        }
        assert!(matches!(sealer.open(b"other", place, &sealed), Err(KmsError::Tampered { .. })));
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(sealer.open(b"store", place, &changed).is_err(), "bit {bit}");
        }
        for len in 0..sealed.len() {
            assert!(sealer.open(b"store", place, &sealed[..len]).is_err(), "{len} bytes");
        }
    }

    #[test]
    fn a_canary_tells_its_master_key_and_opens_in_its_own_store_only() {
        let (old, new) = (sealer(1, &[]), sealer(2, &[1]));
        let canary = old.seal_canary(b"store").unwrap();
        assert_eq!(new.check_canary(b"store", &canary).unwrap(), Some(old.current()));
        assert_eq!(new.check_canary(b"other", &canary).unwrap(), None);
        let canary = new.seal_canary(b"store").unwrap();
        assert_eq!(new.check_canary(b"store", &canary).unwrap(), Some(new.current()));
        assert!(matches!(old.check_canary(b"store", &canary), Err(KmsError::WrongMasterKey { .. })));
    }
}
