//! Writes the committed corpus anew, from recorded tokens and one built token for each kind of caveat:
//!
//! ```text
//! cargo run --manifest-path fuzz/Cargo.toml --example seeds
//! ```

use std::error::Error;
use std::path::Path;
use std::{fs, io};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ron_auth_fuzz::{DAMAGED, HEAD_BYTES, Kind};

/// Of the recorded tokens, one in so many.
const EVERY: usize = 25;

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("seeds/agreement");
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => fs::create_dir_all(&folder)?,
    }
    let recorded = fs::read_to_string(root.join("../testdata/v1/decisions.json"))?;
    let recorded: serde_json::Value = serde_json::from_str(&recorded)?;
    let cases = recorded["cases"].as_array().ok_or("no list of cases")?;
    for (number, case) in cases.iter().step_by(EVERY).enumerate() {
        let text = case["token"].as_str().ok_or("a case without a token")?;
        let write = |name: &str, kind: u8, token: &[u8]| {
            fs::write(folder.join(format!("{name}-{number:02}")), [&head(number, kind)[..], token].concat())
        };
        write("text", Kind::Text as u8, text.as_bytes())?;
        if let Ok(cbor) = URL_SAFE_NO_PAD.decode(text) {
            write("cbor", Kind::Cbor as u8, &cbor)?;
            write("signed", Kind::Signed as u8, &cbor)?;
            let damage = [number as u8, (number * 11) as u8, 0x55];
            write("damaged", Kind::Signed as u8 | DAMAGED, &[&damage[..], &cbor].concat())?;
        }
    }
    for caveat in 0..12 {
        // A scope without conditions but for the method, and twice the caveat, with its first choices.
        let choices = [0, 0, 0, 1, 0, 0, caveat, 0, 0, 0, caveat, 1, 2, 3, 4, 5];
        let input = [&head(usize::from(caveat), Kind::Built as u8)[..], &choices].concat();
        fs::write(folder.join(format!("built-{caveat:02}")), input)?;
    }
    println!("{} inputs in {}", fs::read_dir(&folder)?.count(), folder.display());
    Ok(())
}

/// Settings and requests that change from input to input.
fn head(number: usize, kind: u8) -> [u8; HEAD_BYTES] {
    let number = number as u8;
    [number.wrapping_mul(7), number % 8, number.wrapping_mul(29), number.wrapping_mul(3), number.wrapping_mul(5), kind]
}
