//! A TCP connection.

use super::look::{Look, Reached, Trouble};
use super::outcome::Cause;
use serde_json::json;
use tokio::net::TcpStream;

/// Connect, and no more.
pub(super) async fn look(host: &str, port: u16, reached: &Reached) -> Look {
    match connect(host, port, reached).await {
        Ok(stream) => {
            let address = stream.peer_addr().ok().map(|address| address.to_string());
            Look { connected: Some(true), detail: json!({ "address": address }), ..Look::default() }
        }
        Err(trouble) => Look::failed(trouble),
    }
}

/// A connection to the first address of a host that takes one.
pub(super) async fn connect(host: &str, port: u16, reached: &Reached) -> Result<TcpStream, Trouble> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let addresses: Vec<_> = match tokio::net::lookup_host((host, port)).await {
        Ok(addresses) => addresses.collect(),
        Err(error) => return Err(Trouble::unhealthy(Cause::Dns, format!("the name {host} has no address: {error}"))),
    };
    if addresses.is_empty() {
        return Err(Trouble::unhealthy(Cause::Dns, format!("the name {host} has no address")));
    }
    reached.asks();
    let stream = TcpStream::connect(&addresses[..]).await.map_err(|error| {
        let trouble = Trouble::of_io(&error, &format!("{host}:{port}"));
        if trouble.cause == Cause::Timeout { trouble.with_connection(Some(false)) } else { trouble }
    })?;
    reached.connected();
    Ok(stream)
}
