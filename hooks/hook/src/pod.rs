//! What the chart's own pods use of this program where servers speak TLS: it comes into them, and asks for their scripts.

use std::collections::BTreeSet;
use std::time::Duration;

use midships_client_rocketmq::{CallError, Client, Reply, Request, Timeouts};
use midships_engine::step::Problem;
use midships_operations_rocketmq::view::{PERMISSION_SETTING, READ_ONLY};
use tokio::time::Instant;

use crate::arguments::{Access, Command, Encrypted, Place, Send};
use crate::certificates;
use crate::exit::Exit;
use crate::log;
use crate::operate::{runtime, told};
use crate::signing;

/// The program's name in a pod.
const NAME: &str = "midships-hook";
/// How long a command may take: as long as a script's own way gives it.
const LIMIT: Duration = Duration::from_secs(5);
/// How long brokers may take until a name server that was restarted lists them: they register every 10 s.
const REGISTRATION: Duration = Duration::from_secs(25);
/// How long to pause between two looks at brokers.
const LOOK: Duration = Duration::from_secs(2);
/// Where the header of an answer begins: after its length and that of the header.
const HEADER: usize = 8;

/// Copies this program into a directory.
pub fn place(arguments: &Place) -> Exit {
    let target = arguments.directory.join(NAME);
    match std::env::current_exe().and_then(|program| std::fs::copy(program, &target)) {
        Ok(_) => Exit::Done,
        Err(error) => {
            log::complain(&format!(
                "{}: unable to write it: {error}",
                target.display()
            ));
            Exit::Crash
        }
    }
}

/// Sends a command and prints header and body of the answer, whatever its code is.
pub fn send(arguments: &Send) -> Exit {
    let request = request(arguments.command);
    within(
        &arguments.access,
        arguments.only_tls,
        async |client| match client.ask(&arguments.address, &request).await {
            Ok(answer) => {
                let text = answer.get(HEADER..).unwrap_or_default();
                log::say(&String::from_utf8_lossy(text));
                Exit::Done
            }
            Err(error) => {
                log::complain(&error.to_string());
                Exit::Failed
            }
        },
    )
}

/// Waits until all brokers that name servers list present certificates that are trusted; who cannot be reached is passed over.
pub fn encrypted(arguments: &Encrypted) -> Exit {
    within(&arguments.access, false, async |client| {
        let end = Instant::now() + Duration::from_secs(arguments.seconds);
        let (mut known, mut said) = (BTreeSet::new(), None);
        let mut since = Instant::now();
        loop {
            // A name server that was restarted knows no brokers for a while.
            known.extend(listed(client, arguments).await);
            let lacking = untrusted(client, &known).await;
            let now = Instant::now();
            if known.is_empty() || !lacking.is_empty() {
                since = now;
            }
            if now - since >= REGISTRATION {
                return Exit::Done;
            }
            if now >= end {
                log::complain("not all brokers present certificates that are trusted");
                return Exit::Failed;
            }
            if said.as_ref() != Some(&lacking) {
                for why in &lacking {
                    log::complain(why);
                }
                log::say("waiting until all brokers present certificates that are trusted");
                said = Some(lacking);
            }
            tokio::time::sleep(LOOK).await;
        }
    })
}

/// The brokers of the cluster that the name servers list.
async fn listed(client: &Client, arguments: &Encrypted) -> BTreeSet<String> {
    let mut addresses = BTreeSet::new();
    for server in &arguments.name_servers {
        if let Ok(answer) = client.call(server, &Request::ClusterInfo).await
            && let Reply::ClusterInfo(list) = answer.reply
        {
            let groups = list.brokers.into_values();
            let own = groups.filter(|group| group.cluster == arguments.cluster);
            addresses.extend(own.flat_map(|group| group.addresses.into_values()));
        }
    }
    addresses
}

/// Why brokers are not trusted, of those that can be reached.
async fn untrusted(client: &Client, addresses: &BTreeSet<String>) -> BTreeSet<String> {
    let mut lacking = BTreeSet::new();
    for address in addresses {
        if let Err(error @ CallError::Untrusted { .. }) = client.certificate(address).await {
            lacking.insert(error.to_string());
        }
    }
    lacking
}

/// Does something with a client.
fn within(access: &Access, only_tls: bool, work: impl AsyncFnOnce(&Client) -> Exit) -> Exit {
    let client = match client(access, only_tls) {
        Ok(client) => client,
        Err(problem) => {
            log::complain(&told(&problem));
            return Exit::Usage;
        }
    };
    match runtime() {
        Ok(runtime) => runtime.block_on(work(&client)),
        Err(why) => {
            log::complain(&why);
            Exit::Crash
        }
    }
}

/// The request of a command.
fn request(command: Command) -> Request {
    match command {
        Command::Close => Request::UpdateBrokerConfiguration {
            properties: [(PERMISSION_SETTING.to_owned(), READ_ONLY.to_owned())].into(),
        },
        Command::BrokerConfiguration => Request::BrokerConfiguration,
        Command::ClusterInfo => Request::ClusterInfo,
    }
}

fn client(access: &Access, only_tls: bool) -> Result<Client, Problem> {
    let credentials = signing::read(access.credentials.as_deref())?;
    let encryption = certificates::encryption(access.tls.as_deref(), only_tls)?;
    let timeouts = Timeouts {
        connect: LIMIT,
        call: LIMIT,
    };
    Ok(Client::new(timeouts)
        .signing_with(credentials)
        .encrypting_with(encryption))
}
