const API_KEY = "rp_your_api_key_here";
const response = await fetch(
"https://production.reelplus.app/api/v1/analytics/summary",
{ headers: { "Authorization": `Bearer ${API_KEY}` } }
);
const data = await response.json();
