//! The service's process. Its library has all of it; this is where it begins and ends.

use std::process::ExitCode;

fn main() -> ExitCode {
    ron_service::run(svc_auth::CONFIG_PREFIX, svc_auth::service)
}
