//! The service's process. Its library has all of it; this is where it begins and ends.

use std::process::ExitCode;

fn main() -> ExitCode {
    ron_service::run(svc_auth::CONFIG_PREFIX, |mut config: svc_auth::Config| {
        // For scripts that start one beside another: free ports, which the first line of output tells.
        if std::env::var("AUTH_DYNAMIC_PORT").is_ok_and(|value| value == "1") {
            config.server.bind.set_port(0);
            if let Some(admin) = &mut config.server.admin_bind {
                admin.set_port(0);
            }
        }
        svc_auth::service(config)
    })
}
