// The film shop: which address shows which page.

import { onUser, user } from "./api/session";
import { account } from "./pages/account";
import { browse } from "./pages/browse";
import { cart } from "./pages/cart";
import { film } from "./pages/film";
import { order, orders } from "./pages/orders";
import { arrival, comeIn, signIn, signUp } from "./pages/sign";
import { wishes } from "./pages/wishes";
import { refreshMe } from "./shop/account";
import { onOtherCart } from "./shop/cart";
import { keepOn } from "./shop/push";
import { again, go, type Place, place, start, type View } from "./ui/router";
import { shell } from "./ui/shell";

/** A page for customers only; others sign in first and come back. */
const own =
	(page: (place: Place) => View) =>
	(now: Place): View => {
		if (user()) return page(now);
		return signIn({ ...now, query: new URLSearchParams([["then", location.hash.slice(1)]]) });
	};

shell();
const arrived = arrival();
start([
	[/^\/$/, browse],
	[/^\/film\/[^/]+$/, film],
	[/^\/cart$/, cart],
	[/^\/wishes$/, own(wishes)],
	[/^\/orders$/, own(orders)],
	[/^\/orders\/[^/]+$/, own(order)],
	[/^\/account$/, own(account)],
	[/^\/sign-in$/, signIn],
	[/^\/sign-up$/, signUp],
]);

let known = user()?.id;
onUser(() => {
	const now = user()?.id;
	if (now === known) return;
	known = now;
	const { path } = place();
	if (path === "/sign-in" || path === "/sign-up") return;
	if (now === undefined && path === "/account") go("/");
	else again();
});
if (arrived) await comeIn(arrived);
onOtherCart(() => {
	if (place().path === "/cart") again();
});
// The copy of one's own record in this browser may be old, and the session may have been ended elsewhere.
if (user()) refreshMe().catch(() => undefined);
keepOn().catch(() => undefined);
