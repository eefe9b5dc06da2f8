//! Prometheus: a real one, asked real questions.

use super::{is, is_well, look, programs};
use quarterdeck::watch::Status;
use quarterdeck::watch::probe::check::Cause;
use quarterdeck::watch::probe::model::Target;

#[tokio::test]
async fn a_real_prometheus_answers_with_values_nothing_or_a_refusal() {
    let Some(mut server) = programs::prometheus() else { return };
    let url = format!("http://127.0.0.1:{}/", server.port);
    let target = |query: &str| Target::Prometheus { url: url.clone(), query: query.to_owned() };
    let fits = look(target("vector(0.4)"), &["[VALUE] < 0.9"]).await;
    is_well(&fits);
    assert_eq!(fits.value, Some(0.4));
    is_well(&look(target("1 + 1"), &["[VALUE] == 2", "[RESPONSE_TIME] < 2s"]).await);
    is(&look(target("vector(0.95)"), &["[VALUE] < 0.9"]).await, Status::Unhealthy, Cause::Condition, "it is 0.95");
    let several = r#"label_replace(vector(1), "shop", "a", "", "") or label_replace(vector(5), "shop", "b", "", "")"#;
    is(&look(target(several), &["[VALUE] < 3"]).await, Status::Unhealthy, Cause::Condition, "shop=b");
    // No data and no number are not known, and never pass.
    for query in ["no_such_metric", "vector(0) / vector(0)", "no_such_metric > 0"] {
        is(&look(target(query), &["[VALUE] != 7"]).await, Status::Unknown, Cause::Missing, "there is no");
    }
    is(&look(target("rate("), &[]).await, Status::Unhealthy, Cause::Broken, "refuses the question");
    is(&look(target("up[5m]"), &[]).await, Status::Unhealthy, Cause::Broken, "matrix");
    server.end();
    is(&look(target("1"), &[]).await, Status::Unhealthy, Cause::Refused, "nobody listens");
}
