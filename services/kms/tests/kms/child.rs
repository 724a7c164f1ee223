//! The processes that tests start: this program once more, told by its environment what to do.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use ron_auth::{KeyName, MacKeyProvider};
use ron_kms::{Kms, KmsConfig, KmsError, MasterKeySource, SystemClock};

use crate::util::{AT_ONCE, block_on, mac, passport, scheme};

const ROLE: &str = "RON_KMS_TEST_ROLE";
const STORE: &str = "RON_KMS_TEST_STORE";
const MASTER: &str = "RON_KMS_TEST_MASTER";
/// A master key of 32 bytes 5a, for processes whose master key is said to be in `env`.
const KEY: &str = "RON_KMS_TEST_KEY";

/// A process that is killed where it is forgotten.
pub(crate) struct Process {
    child: Child,
    /// The lines that it prints after `>`.
    pub(crate) lines: Receiver<String>,
}

impl Process {
    /// Starts one that rotates as fast as it can, and says what was acknowledged; or one that watches, and says which
    /// key id signs. `store` is the path of a file, or the address of a server.
    pub(crate) fn start(role: &str, store: &str, master: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child::a_process_of_its_own", "--nocapture", "--test-threads=1"])
            .env(ROLE, role)
            .env(STORE, store)
            .env(MASTER, master)
            .env(KEY, "5a".repeat(32))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            // A line that was cut off by the end of the process has no end.
            for line in output.split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8(line).unwrap();
                let Some(line) = line.strip_prefix('>') else { continue };
                if sender.send(line.to_owned()).is_err() {
                    break;
                }
            }
        });
        Self { child, lines }
    }

    /// SIGKILL; and all that it had printed by then and nobody has read yet.
    pub(crate) fn kill(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.lines.iter().collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_process_of_its_own() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let (store, master) = (std::env::var(STORE).unwrap(), std::env::var(MASTER).unwrap());
    let master = match &*master {
        "env" => MasterKeySource::Env(KEY.into()),
        path => MasterKeySource::FileOrNew(path.into()),
    };
    let config = match store.starts_with("host=") {
        true => KmsConfig::postgres(store, master),
        false => KmsConfig::sqlite(store, master),
    };
    block_on(async {
        let kms = Kms::open(config, Arc::new(SystemClock)).await.unwrap();
        // Ends the line that the harness has begun.
        println!("\n>open");
        match &*role {
            "rotate" => rotate(&kms).await,
            _ => watch(&kms).await,
        }
    });
}

async fn rotate(kms: &Kms) {
    let made = [
        kms.create_mac(&mac(), &scheme("tokens-v{N}"), None).await,
        kms.create_ed25519(&passport(), &scheme("ed25519/default/v{N}"), None).await,
    ];
    for made in made {
        match made {
            Ok(made) => println!(">ack {} {}", made.kid, proof(kms, &made.kid).unwrap()),
            Err(KmsError::Exists(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    for key in [mac(), passport()].iter().cycle() {
        match kms.rotate(key, AT_ONCE).await {
            Ok(made) => println!(">ack {} {}", made.kid, proof(kms, &made.kid).unwrap()),
            Err(error) => println!(">error {error}"),
        }
    }
}

async fn watch(kms: &Kms) {
    let signer = kms.signer(&passport()).unwrap();
    let mut last = None;
    loop {
        let kid = signer.current_kid().unwrap();
        if last.as_ref() != Some(&kid) {
            println!(">signs {kid}");
            last = Some(kid);
        }
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
}

/// What shows that the secret of a key id is the same as before.
pub(crate) fn proof(kms: &Kms, kid: &str) -> Option<String> {
    if let Some(public_key) = kms.public_key(&passport(), kid) {
        return Some(blake3::hash(&public_key).to_string());
    }
    let keys = kms.mac_snapshot();
    let key = keys.at(u64::MAX).key_for(KeyName { tid: "acme", kid })?;
    Some(blake3::hash(key.as_bytes()).to_string())
}
