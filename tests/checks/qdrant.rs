//! Qdrant, as its API describes it: readiness, a collection's colour, its key.

use super::http::Faults;
use super::{is, is_well, look};
use quarterdeck::watch::Status;
use quarterdeck::watch::probe::check::Cause;
use quarterdeck::watch::probe::model::Target;

#[tokio::test]
async fn a_collection_is_its_colour_and_the_key_is_sent_and_never_told() {
    let server = Faults::start().await;
    let target = |base: &str, collection: &str, key: &str| Target::Qdrant {
        url: server.url(base),
        collection: Some(collection.to_owned()),
        api_key: Some(key.into()),
    };
    let green = look(target("/qdrant/", "green", "the-key"), &["[VALUE] > 100"]).await;
    is_well(&green);
    assert_eq!((green.value, green.detail["state"].as_str()), (Some(5_000.0), Some("green")));
    is(&look(target("/qdrant", "yellow", "the-key"), &[]).await, Status::Degraded, Cause::Other, "yellow");
    is(&look(target("/qdrant", "red", "the-key"), &[]).await, Status::Unhealthy, Cause::Other, "red");
    is(&look(target("/qdrant", "none", "the-key"), &[]).await, Status::Unhealthy, Cause::Missing, "no collection");
    let refused = look(target("/qdrant", "green", "wrong-key"), &[]).await;
    is(&refused, Status::Unhealthy, Cause::Auth, "does not let us in");
    assert!(!format!("{refused:?}").contains("wrong-key"));
    // An older one has /healthz only; one that starts is not ready.
    is_well(&look(target("/qdrant-old", "green", "the-key"), &[]).await);
    is(&look(target("/qdrant-starting", "green", "the-key"), &[]).await, Status::Unhealthy, Cause::Status(503), "not ready");
}
