import requests
API_KEY = "rp_your_api_key_here"
response = requests.get(
"https://production.reelplus.app/api/v1/analytics/summary",
headers={"Authorization": f"Bearer {API_KEY}"}
)
data = response.json()
