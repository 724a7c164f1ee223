//! Mints tokens, verifies one and then a batch, and prints the decisions.
//!
//! ```text
//! cargo run -p ron-auth --example verify
//! ```

use std::error::Error;
use std::time::{SystemTime, UNIX_EPOCH};

use ron_auth::{
    AuthError, CapabilityBuilder, Caveat, Decision, DenyReason, KeyName, KeyRing, MacKey, Rate, RequestCtx, Scope,
    VerifierConfig, verify_each, verify_token,
};

fn main() -> Result<(), Box<dyn Error>> {
    // The library reads no clock: the host says what time it is.
    let now_unix_s = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let key = MacKey::new(*b"an example key, not for real use");
    let mut keys = KeyRing::new();
    keys.insert(KeyName { tid: "acme", kid: "2025-11" }, key.clone());
    let config = VerifierConfig::default();

    let builder = || {
        CapabilityBuilder::new("acme", "2025-11", Scope::new("/index/", ["GET", "HEAD"]))
            .caveat(Caveat::Exp(now_unix_s + 600))
            .caveat(Caveat::IpCidr("10.0.0.0/8".into()))
    };
    let token = builder().sign(&key)?.to_base64url();
    println!("token: {token}\n");

    let peer = "10.1.2.3".parse::<std::net::IpAddr>()?;
    let ctx = RequestCtx::new(now_unix_s, "get", "/index/42", "acme").peer_ip(peer);
    println!("one token:");
    print_result(&verify_token(&config, &token, &ctx, &keys));

    let altered = format!("{}A", &token[..token.len() - 1]);
    let batch = [
        ("the same", token),
        ("with a rate", builder().caveat(Caveat::Rate(Rate { per_s: 5, burst: 20 })).sign(&key)?.to_base64url()),
        ("for POST only", builder().caveat(Caveat::methods(["POST"])).sign(&key)?.to_base64url()),
        ("not valid yet", builder().caveat(Caveat::Nbf(now_unix_s + 3600)).sign(&key)?.to_base64url()),
        ("with another key", builder().sign(&MacKey::new([0; 32]))?.to_base64url()),
        ("altered", altered),
        ("no token at all", "hello".into()),
    ];
    println!("\na batch:");
    let tokens: Vec<&str> = batch.iter().map(|(_, token)| token.as_str()).collect();
    for ((what, _), result) in batch.iter().zip(verify_each(&config, &tokens, &ctx, &keys)) {
        print!("{what:>18}: ");
        print_result(&result);
    }
    Ok(())
}

fn print_result(result: &Result<Decision, AuthError>) {
    match result {
        Ok(Decision::Allow { scope, obligations }) => println!("allow, {scope:?}, obligations {obligations:?}"),
        Ok(Decision::Deny { reasons }) => println!("deny with {}, {reasons:?}", DenyReason::HTTP_STATUS),
        Err(error) => println!("error {} ({}), {error}", error.http_status(), error.code()),
    }
}
