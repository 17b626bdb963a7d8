// Sets light or dark before the first paint; the app takes over from here.
try {
	const chosen = localStorage.getItem("mantine-color-scheme-value");
	const dark =
		chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
	document.documentElement.dataset.mantineColorScheme = dark ? "dark" : "light";
} catch {
	// Without storage the app decides.
}
