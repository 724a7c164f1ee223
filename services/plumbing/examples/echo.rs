//! A service that answers what it is sent: all that a service has to write itself.

use std::process::ExitCode;

use ron_service::axum::body::Bytes;
use ron_service::axum::routing::{get, post};
use ron_service::config::{Admin, Common, Limits, Log, Server, Settings};
use ron_service::{Json, Service, StartError};
use serde_json::Value;

#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    server: Server,
    limits: Limits,
    log: Log,
    admin: Admin,
}

impl Settings for Config {
    const DEFAULTS: &'static str = "server.admin_bind = '127.0.0.1:0'";
    const OVERRIDES: &'static [(&'static str, &'static str)] = &[("ECHO_MAX_BATCH", "limits.max_batch")];

    fn common(&self) -> Common<'_> {
        Common { server: &self.server, limits: &self.limits, log: &self.log, admin: &self.admin }
    }
}

fn main() -> ExitCode {
    ron_service::run("ECHO", |config: Config| async move {
        let service = Service::new("echo", env!("CARGO_PKG_VERSION"), &config.common())
            .route("/v1/echo", post(|Json(value): Json<Value>| async move { Json(value) }))
            // For measuring: the same work for every service, through all that a request goes through.
            .route("/v1/constant", get(|| async { "constant" }).post(|_: Bytes| async { "constant" }))
            .admin_route("/admin/hello", post(|| async { "hello" }));
        Ok::<_, StartError>(service)
    })
}
