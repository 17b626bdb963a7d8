//! The socket by which the command line has a running server do its commands: one JSON line each way.

use crate::commands::{self, Command};
use crate::data_dir::DataDir;
use crate::wiring::Services;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};

/// Bytes of a command at most.
const COMMAND_BYTES_MAX: u64 = 65_536;
/// How long either side waits for the other.
const PATIENCE: Duration = Duration::from_secs(30);

/// Listens at the socket. Only the owner of the data directory can reach it.
pub fn bind(data_dir: &Path) -> Result<UnixListener, String> {
    let path = DataDir::socket(data_dir);
    let listener = UnixListener::bind(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))
        .map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(listener)
}

/// Does the commands that come, each in its own time.
pub async fn listen(listener: Rc<UnixListener>, services: Services) {
    let mut running = FuturesUnordered::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => running.push(tokio::time::timeout(PATIENCE, serve(stream, &services))),
                Err(error) => {
                    tracing::warn!(%error, "the command socket");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            },
            Some(done) = running.next() => {
                if done.is_err() {
                    tracing::warn!("a command at the socket took too long");
                }
            }
        }
    }
}

async fn serve(stream: UnixStream, services: &Services) {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    if BufReader::new(read.take(COMMAND_BYTES_MAX))
        .read_line(&mut line)
        .await
        .is_err()
    {
        return;
    }
    let result = match serde_json::from_str::<Command>(&line) {
        Ok(command) => commands::run(services, command).await,
        Err(_) => Err("the server does not know this command: it is of another release".to_owned()),
    };
    let answer = serde_json::to_string(&result).unwrap_or_default();
    let _ = write.write_all(answer.as_bytes()).await;
}

/// Has the server that holds `data_dir` do a command.
pub async fn ask(data_dir: &Path, command: &Command) -> Result<String, String> {
    let path = DataDir::socket(data_dir);
    let held = format!(
        "the data directory {} is held by another process",
        data_dir.display()
    );
    let stream = UnixStream::connect(&path)
        .await
        .map_err(|_| format!("{held} that does not listen at {}", path.display()))?;
    let (mut read, mut write) = stream.into_split();
    let line = serde_json::to_string(command).map_err(|e| e.to_string())? + "\n";
    let talk = async {
        write.write_all(line.as_bytes()).await?;
        let mut answer = String::new();
        read.read_to_string(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    let answer = tokio::time::timeout(PATIENCE, talk)
        .await
        .map_err(|_| format!("{held} that does not answer"))?;
    let answer = answer.map_err(|e| format!("{}: {e}", path.display()))?;
    serde_json::from_str::<Result<String, String>>(&answer)
        .map_err(|_| format!("{held} that answers unintelligibly"))?
}
