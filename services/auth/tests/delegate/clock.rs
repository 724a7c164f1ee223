//! A clock that jumps, given to the service in this process; its sockets are real.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;

use crate::common::{
    AUTHORIZE, Client, Minter, eventually, json_of, may_read, passport, reader, settings, verdict, with,
};

#[test]
fn times_are_judged_by_the_clock_as_it_is_however_it_jumps() {
    let folder = tempfile::tempdir().unwrap();
    let (minter, passport) = (Minter::new(folder.path()), passport(folder.path()));
    let toml = settings(
        folder.path(),
        &passport.base(),
        "server.bind = '127.0.0.1:0'\nserver.admin_bind = '127.0.0.1:0'\nsecurity.clock_skew_s = 5\n\
         caching.verify_positive_ttl_ms = 60000",
    );
    let variable = |name: &str| (name == "RON_AUTH_CONFIG").then(|| toml.clone());
    let config: svc_auth::Config = ron_service::config::load_from(svc_auth::CONFIG_PREFIX, &variable).unwrap();
    let now_ms = Arc::new(AtomicU64::new(crate::common::now_s() * 1_000));
    let reading = now_ms.clone();
    let clock = Arc::new(move || reading.load(Ordering::Relaxed));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let running =
        runtime.block_on(async { svc_auth::service_with_clock(config, clock).await.unwrap().start().await.unwrap() });
    let client = Client { address: running.addresses().tcp.unwrap() };
    eventually("it is ready", || client.get("/readyz").status == 200);

    let start_s = now_ms.load(Ordering::Relaxed) / 1_000;
    let claims = with(&with(&reader(), "nbf", json!(start_s - 100)), "exp", json!(start_s + 100));
    let issued = passport.public.post("/v1/passport/issue", &claims.to_string()).json();
    let envelope = may_read(&issued, "docs/a").to_string();
    let caveats = [
        ron_auth::Caveat::Nbf(start_s - 100),
        ron_auth::Caveat::Exp(start_s + 100),
        ron_auth::Caveat::Aud("ron-auth".to_owned()),
    ];
    let token = json!({
        "token": minter.token(caveats), "action": "GET", "resource": "/index/1", "context": {"tenant": "acme"},
    });
    let token = token.to_string();
    let ask = |body: &str| verdict(&json_of(&client.post(AUTHORIZE, body)));
    // Ahead and back, over each end, with a signature that is remembered; then to the ends of time.
    for (offset_s, of_envelope, of_token) in [
        (0, "Permit", "Permit"),
        (104, "Permit", "Permit"),
        (106, "Expired", "caveat.exp"),
        (-104, "Permit", "Permit"),
        (-106, "NotYetValid", "caveat.nbf"),
        (86_400 * 365, "Expired", "caveat.exp"),
        (-86_400 * 365, "NotYetValid", "caveat.nbf"),
        (0, "Permit", "Permit"),
    ] {
        now_ms.store(start_s.saturating_add_signed(offset_s) * 1_000, Ordering::Relaxed);
        assert_eq!((ask(&envelope).as_str(), ask(&token).as_str()), (of_envelope, of_token), "{offset_s}");
    }
    for (at_ms, of_envelope) in [(0, "NotYetValid"), (u64::MAX, "Expired")] {
        now_ms.store(at_ms, Ordering::Relaxed);
        assert_eq!(ask(&envelope), of_envelope);
        assert_ne!(ask(&token), "Permit");
        assert_eq!(client.get("/healthz").status, 200);
    }
}
