curl -X GET "https://production.reelplus.app/api/v1/analytics/summary" \
-H "Authorization: Bearer rp_your_api_key_here"
