//! What svc-passport's operations cost without a service around them. For `scripts/service_speed.sh`, which asks while
//! requests are sent to the service.
//!
//! `passport_costs FOLDER`: the folder holds svc-passport's key store, `keys.db` and `master.key`, and
//! `envelopes.json`, an array of envelopes of that key. Each line `NAME MILLISECONDS` of standard input is answered
//! with nanoseconds of CPU time for one operation:
//!
//! | name | operation |
//! |---|---|
//! | `sign` | a signature of ron-kms, which is AWS-LC's |
//! | `verify` | the service's strict verification, with a key that has a table |
//! | `strict` | strict verification as ed25519-dalek has it, with a key that is decoded |

mod turns;

use std::error::Error;
use std::hint::black_box;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use ed25519_dalek::{Signature, VerifyingKey};
use ron_envelope::{AudienceRule, DecodedEnvelope, Envelope, PublicKey};
use ron_kms::{KeyRef, Kms, KmsConfig, MasterKeySource, SystemClock};

fn main() -> ExitCode {
    turns::main("keys.db, master.key and envelopes.json", run)
}

fn run(folder: &Path) -> Result<(), Box<dyn Error>> {
    let text = std::fs::read(folder.join("envelopes.json"))?;
    let envelopes: Vec<Envelope<'_>> = serde_json::from_slice(&text)?;
    let decoded: Vec<DecodedEnvelope> =
        envelopes.iter().map(|envelope| envelope.decode(AudienceRule::Optional)).collect::<Result<_, _>>()?;
    let kid = &envelopes.first().ok_or("envelopes.json is empty")?.kid;

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let config = KmsConfig::sqlite(folder.join("keys.db"), MasterKeySource::FileOrNew(folder.join("master.key")));
    let kms = runtime.block_on(Kms::open(config, Arc::new(SystemClock)))?;
    let key = KeyRef::ed25519(svc_passport::NAME, "default")?;
    let signer = kms.signer(&key)?;
    let public = kms.public_key(&key, kid).ok_or("the envelopes are of another key than the store's")?;
    let (tabled, decoded_key) = (PublicKey::new(public)?.with_table(), VerifyingKey::from_bytes(&public)?);

    // Nothing is timed before it has given the right answers.
    let mut signatures = Vec::with_capacity(decoded.len());
    for DecodedEnvelope { message, signature } in &decoded {
        let as_dalek_has_it = Signature::from_slice(signature)?;
        decoded_key.verify_strict(message, &as_dalek_has_it)?;
        if !tabled.verify(message, signature) || signer.sign(message)?.signature.as_slice() != signature {
            return Err("an envelope is not what its key signs".into());
        }
        signatures.push(as_dalek_has_it);
    }
    let items = u32::try_from(decoded.len())?;
    let messages = || decoded.iter().map(|envelope| envelope.message.as_slice());
    turns::serve(vec![
        ("sign", items, Box::new(|| messages().for_each(|message| drop(black_box(signer.sign(black_box(message))))))),
        (
            "verify",
            items,
            Box::new(|| {
                for DecodedEnvelope { message, signature } in &decoded {
                    black_box(tabled.verify(black_box(message), black_box(signature)));
                }
            }),
        ),
        (
            "strict",
            items,
            Box::new(|| {
                for (message, signature) in messages().zip(&signatures) {
                    let _ = black_box(decoded_key.verify_strict(black_box(message), black_box(signature)));
                }
            }),
        ),
    ])?;
    Ok(())
}
