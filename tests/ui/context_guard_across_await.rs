async fn serve() {
    let _scope = nexlog::context!(id = 1);
    std::future::ready(()).await;
}

fn main() {
    fn assert_send<T: Send>(_: T) {}
    assert_send(serve());
}
