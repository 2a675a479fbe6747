//! A real registry for tests: Debian's `docker-registry` on the loopback interface.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A registry with storage of its own, ended when dropped.
pub struct Server {
    child: Child,
    /// Host and port.
    pub address: String,
    _storage: TempDir,
}

impl Server {
    /// Starts it on a free port of the loopback interface.
    pub fn start() -> Self {
        let storage = TempDir::new().unwrap();
        let settings = storage.path().join("registry.yaml");
        // Port 0 lets the kernel choose; the registry's log says which port it is.
        fs::write(
            &settings,
            format!(
                "version: 0.1\nlog: {{level: info}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\n\
                 http: {{addr: \"127.0.0.1:0\"}}\n",
                storage.path().join("data").display()
            ),
        )
        .unwrap();
        let mut child = Command::new("docker-registry")
            .arg("serve")
            .arg(&settings)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("docker-registry is needed: apt-get install docker-registry");
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut address = None;
        let mut line = String::new();
        while address.is_none() {
            line.clear();
            assert_ne!(log.read_line(&mut line).unwrap(), 0, "the registry ended");
            address = line
                .split_once("listening on ")
                .and_then(|(_, rest)| rest.split(['"', ',', ' ']).next())
                .map(str::to_owned);
        }
        // The pipe is read to its end so that the registry never blocks on its log.
        std::thread::spawn(move || log.read_to_string(&mut String::new()));
        Self {
            child,
            address: address.unwrap(),
            _storage: storage,
        }
    }

    /// The status and the body of a GET, with `accept` as the accepted media type.
    pub fn get(&self, path: &str, accept: &str) -> (String, Vec<u8>) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.0\r\nHost: {}\r\nAccept: {accept}\r\n\r\n",
            self.address
        )
        .unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer
            .windows(4)
            .position(|bytes| bytes == b"\r\n\r\n")
            .unwrap();
        let status = String::from_utf8_lossy(&answer)
            .lines()
            .next()
            .unwrap()
            .to_owned();
        (status, answer[end + 4..].to_vec())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}
