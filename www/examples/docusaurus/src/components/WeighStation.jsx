import BrowserOnly from "@docusaurus/BrowserOnly";

// The element is for browsers: while the site is built, nothing stands here.
export default function WeighStation(props) {
  return (
    <BrowserOnly fallback={<p>Weighing needs JavaScript.</p>}>
      {() => {
        require("weighstation/element");
        return <weigh-station mode="drop" multiple directory {...props} />;
      }}
    </BrowserOnly>
  );
}
