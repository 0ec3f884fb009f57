use nexlog::instrument;

#[instrument]
async fn local() {
    let shared = std::rc::Rc::new(1);
    std::future::ready(()).await;
    drop(shared);
}

fn main() {
    fn assert_send<T: Send>(_: T) {}
    assert_send(local());
}
