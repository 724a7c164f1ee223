//! All services of the plane with one command: `ron-services up` starts svc-passport and svc-auth in one process,
//! prints where they listen and five requests to try, and drains both on Ctrl-C or SIGTERM.
//!
//! What they need is kept in a folder, and made there if it is not there yet: the next start finds the same keys.
//!
//! | file | holds |
//! |---|---|
//! | `master.key` | what seals the store of keys |
//! | `keys.db` | the store: the key that signs envelopes, and the MAC key of the tenant `demo` |
//! | `minter.secret` | the secret of the account `demo`, which may mint capability tokens of that tenant |
//! | `policy.toml` | the policy, to be edited |
//!
//! Settings of a service are read as if it were alone, from `PASSPORT_CONFIG_FILE` and `RON_AUTH_CONFIG_FILE`; what
//! they leave out is of the folder. Ports on the command line win, and svc-auth's `security.amnesia` holds for both.
//! Their `[log]` and svc-passport's `server.workers` are not used: there is one log, and one set of threads.
//!
//! Several at a time on one folder are several processes on one store: what one signs the other verifies.
//!
//! | module | holds |
//! |---|---|
//! | `cli` | the command line |
//! | `folder` | what is kept, and made at the first start |
//! | `settings` | the settings of both services |
//! | `plane` | both of them, listening |
//! | `examples` | the requests that are printed |
#![forbid(unsafe_code)]

mod cli;
mod error;
mod examples;
mod folder;
mod plane;
mod settings;

pub use cli::main;
