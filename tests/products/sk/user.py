import os
api_key = os.environ.get('API_KEY')
import requests
print(requests.get("https://api.example.com/v1/users/usr_123", headers={"Authorization": f"Bearer {api_key}"}).text)
