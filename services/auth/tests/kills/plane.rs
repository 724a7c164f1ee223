use std::net::SocketAddr;

use serde_json::Value;
use socket2::{Domain, Socket, Type};
use tempfile::TempDir;

use crate::common::{Client, Process, eventually, ledger, settings};

/// svc-auth, and svc-passport with keys in a store, at an address that stays its own while it is away.
pub struct Plane {
    auth: Process,
    passport: Process,
    address: SocketAddr,
    /// Keeps others from that port. Nobody is connected to it, since it does not listen.
    _reserved: Socket,
    folder: TempDir,
}

impl Plane {
    pub fn start() -> Self {
        let folder = ledger::folder();
        let reserved = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        reserved.set_reuse_port(true).unwrap();
        reserved.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        let address = reserved.local_addr().unwrap().as_socket().unwrap();
        let passport = passport(&folder, address);
        let auth = auth(&folder, address);
        let plane = Self { auth, passport, address, _reserved: reserved, folder };
        eventually("both are ready", || plane.auth().get("/readyz").status == 200);
        plane
    }

    pub fn auth(&self) -> Client {
        self.auth.public.clone()
    }

    pub fn passport(&self) -> Client {
        self.passport.public.clone()
    }

    pub fn passport_admin(&self) -> Client {
        self.passport.admin.clone().unwrap()
    }

    /// A good envelope of a message.
    pub fn envelope(&self, message: &Value) -> Value {
        let answer = self.passport().post("/v1/passport/issue", &message.to_string());
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    pub fn kill_passport(&mut self) {
        self.passport.kill();
    }

    pub fn start_passport(&mut self) {
        self.passport = passport(&self.folder, self.address);
    }

    pub fn kill_auth(&mut self) {
        self.auth.kill();
    }

    pub fn start_auth(&mut self) {
        self.auth = auth(&self.folder, self.address);
    }
}

fn passport(folder: &TempDir, address: SocketAddr) -> Process {
    let path = folder.path().display();
    let toml = format!(
        "server.reuse_port = true\nserver.drain_grace_ms = 0\n\
         keys.store = {{ sqlite = {{ path = '{path}/keys.db' }} }}\n\
         keys.master_key = {{ file_or_new = '{path}/master.key' }}"
    );
    Process::passport(folder.path(), &address.to_string(), &toml)
}

/// Who finds svc-passport away looks again soon.
fn auth(folder: &TempDir, passport: SocketAddr) -> Process {
    let toml = "verify.breaker_open_ms = 50";
    Process::auth(folder.path(), &settings(folder.path(), &format!("http://{passport}"), toml))
}
